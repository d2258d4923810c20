// What `npm run bench:curves` has measured so far, part by part, and how each part is told.
import type { Curves } from './curve.ts';
import type { DeliveryCurves, LastHeard, Storm, Weight } from './curve-parts.ts';
import {
  BUSY,
  FEW_LISTENERS,
  FEW_PER_SECOND,
  LAST_LISTENERS,
  NODES_SHAPE,
  SIZES,
  STORM_PEOPLE,
  UNWEIGHED,
} from './curve-parts.ts';
import { SI, deliveryTables, lastTables, memoryTables, stormTables } from './curve-tables.ts';
import { readReport, type Report } from './report.ts';

export interface Parts {
  readonly sizes?: DeliveryCurves;
  readonly rooms?: DeliveryCurves;
  readonly busy?: DeliveryCurves;
  readonly memory?: Curves<Weight>;
  readonly nodes?: DeliveryCurves;
  readonly last?: Curves<LastHeard>;
  readonly storm?: Curves<Storm>;
}
export type PartName = keyof Parts;
export const PART_NAMES = ['sizes', 'rooms', 'busy', 'memory', 'nodes', 'last', 'storm'] as const;

export interface CurvesFigures {
  readonly parts: Parts;
}

export function readCurves(): Promise<(Report & CurvesFigures) | undefined> {
  return readReport<CurvesFigures>('curves');
}

/** Title, what is compared, and the tables. */
export interface Told {
  readonly title: string;
  readonly about: string;
  readonly lines: readonly string[];
}

const COST = 'µs of CPU of the server’s processes for each message that reached a listener';

export function told(parts: Parts): Partial<Record<PartName, Told>> {
  const { sizes, rooms, busy, memory, nodes, last, storm } = parts;
  return {
    ...(sizes && {
      sizes: {
        title: 'Cost of a delivery against the size of a room',
        about: `${COST}, beyond what the same message costs where its sender alone hears it. People talk over their sockets. As many rooms at once as keep the servers busy, each with at most ten messages a second, so that Earshot gathers nothing.`,
        lines: deliveryTables(sizes, 'µs, by listeners', (x) => {
          const shape = SIZES.get(x);
          return `${SI(x)} ${x === 1 ? 'listener' : 'listeners'} a room, ${SI(shape?.rooms ?? NaN)} rooms, ${SI(shape?.perSecond ?? NaN)} messages a second over all`;
        }),
      },
    }),
    ...(rooms && {
      rooms: {
        title: 'Cost of a delivery against the number of rooms',
        about: `${COST}, beyond what the same message costs where nobody hears it. ${SI(FEW_PER_SECOND)} messages a second over all rooms, ${FEW_LISTENERS} listeners in each. The messages come from within the server’s process: of a message with so few listeners, to receive it would be most, and drown what is to be seen. In a few rooms they are many for each, and Earshot gathers them: its second row is without that.`,
        lines: deliveryTables(rooms, 'µs, by rooms', (x) => `${SI(x)} rooms`),
      },
    }),
    ...(busy && {
      busy: {
        title: 'A busy room',
        about: `One room of ${BUSY.listeners} listeners with ${BUSY.perSecond} messages a second. What comes within 20 ms leaves Earshot together, so that a frame carries several messages.`,
        lines: deliveryTables(busy, '', (x) => `${SI(x)} messages a second`),
      },
    }),
    ...(memory && {
      memory: {
        title: 'Memory against connections',
        about:
          'Resident memory of the server with its garbage collected; everybody has joined a room of five and says nothing. The first connections are not weighed: they bring in code, and the heap that any process takes at first.',
        lines: memoryTables(memory, UNWEIGHED),
      },
    }),
    ...(nodes && {
      nodes: {
        title: 'CPU against nodes',
        about: `Nodes on one Redis, ${NODES_SHAPE.rooms} rooms of ${NODES_SHAPE.listeners} listeners who are spread over all nodes, ${SI(NODES_SHAPE.perSecond)} messages a second. All CPU of all nodes together for each message that reached a listener: to receive it, append it to the Redis and hear of it from there is part of what nodes cost. More nodes than the machine has cores show what a message costs there, not how much more can be done.`,
        lines: deliveryTables(
          nodes,
          'µs in all, by nodes',
          (x) => `${x} ${x === 1 ? 'node' : 'nodes'} on one Redis`,
          ({ wholeUs }) => wholeUs,
        ),
      },
    }),
    ...(last && {
      last: {
        title: 'Until the last listener has it',
        about: `One room of ${SI(LAST_LISTENERS)} listeners; from the moment at which somebody is to say something until the last of all has read it, at moments as irregular as people are (a Poisson process). Server and listeners share the machine’s cores: each send also wakes the process of the listeners, and what comes while the one before is still sent or read waits for it.`,
        lines: lastTables(last),
      },
    }),
    ...(storm && {
      storm: {
        title: 'A storm of connections',
        about: `${SI(STORM_PEOPLE)} people connect, say who they are and join, 500 of them at a time. The peers answer a join with as many bytes as Earshot; Centrifugo with what it says by itself.`,
        lines: stormTables(storm, STORM_PEOPLE),
      },
    }),
  };
}
