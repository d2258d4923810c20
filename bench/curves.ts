// `npm run bench:curves`: what a delivered message costs against the size of a room, the number of rooms and of nodes, and where a room is busy; memory
// against connections; ten thousand who connect at once. Beside raw uWebSockets.js, ws, Socket.IO and Centrifugo, each alone in its turn.
import { aside, listFlag, say } from './append-child.ts';
import { findCentrifugo } from './centrifugo.ts';
import {
  measureBusy,
  measureLast,
  measureMemory,
  measureNodes,
  measureRooms,
  measureSizes,
  measureStorm,
} from './curve-parts.ts';
import { PART_NAMES, readCurves, told, type PartName, type Parts } from './curve-report.ts';
import { SECONDS } from './delivery.ts';
import { readLimits } from './limits-report.ts';
import { renewed } from './curve.ts';
import { goalsOf, goalTable } from './goals.ts';
import { writeReport } from './report.ts';
import { versions } from './versions.ts';

async function main(): Promise<void> {
  const centrifugo = await findCentrifugo();
  if (centrifugo.kind === 'none') aside(centrifugo.reason);
  const only = listFlag('only');
  // A run of some leaves what is there of the others.
  let parts: Parts = only === undefined ? {} : ((await readCurves())?.parts ?? {});
  const measures: { readonly [K in PartName]: () => Promise<NonNullable<Parts[K]>> } = {
    sizes: async () => {
      const places = listFlag('sizes')?.map(Number);
      const measured = await measureSizes(centrifugo, places);
      return places === undefined ? measured : renewed(parts.sizes, measured);
    },
    rooms: measureRooms,
    busy: measureBusy,
    memory: () => measureMemory(centrifugo),
    nodes: () => measureNodes(centrifugo),
    last: () => measureLast(centrifugo),
    storm: () => measureStorm(centrifugo),
  };
  for (const name of PART_NAMES) {
    if (only !== undefined && !only.includes(name)) continue;
    parts = { ...parts, [name]: await measures[name]() };
    const part = told(parts)[name];
    for (const line of ['', part?.title ?? '', part?.about ?? '', '', ...(part?.lines ?? [])])
      say(line);
    aside(`${name} took ${parts[name]?.tookSeconds ?? 0} s`);
    for (const line of parts[name]?.leftOut ?? []) say(line);
    await writeReport('curves', {
      secondsPerRun: SECONDS,
      versions: await versions(centrifugo),
      parts,
    });
  }
  for (const line of goalTable(goalsOf(parts, await readLimits()))) say(line);
}

await main();
