// The listeners of docs/protocol.md, as somebody runs them who has read it: against a real hub, each in its own language.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { musicProcess } from '../support/music-process.ts';
import { quietWav } from '../support/quiet-wav.ts';
import { endOf } from '../support/process-end.ts';
import { orSkipped } from '../support/redis-server.ts';
import { bundleScript, type Script } from '../support/script-process.ts';
import { sdkPerson, type SdkPerson } from '../support/sdk-person.ts';

/** A folder in which Python finds the package that its listener needs. */
const PYTHON = path.resolve('.cache/python-client/bin/python');
const PYTHON_CLIENT = path.resolve('docs/clients/listener.py');
/** On one machine the way there is as long as the way back, but for what a busy one adds to either. A clock that is wrong is seconds off. */
const CLOCK_MS = 50;
/** A line is written and read in this, also on a busy machine; the quickest of them in less. */
const LINE_MS = 10_000;
const QUICKEST_LINE_MS = 1_000;

const SOUGHT_MS = 100_000;

interface Told {
  readonly state: string;
  readonly title?: string;
  readonly positionMs: number;
  readonly hubTime: number;
}

describe('the listeners of the protocol’s guide', () => {
  const cleanUps: (() => unknown)[] = [];
  let earshot: EarshotProcess;
  let host: SdkPerson;
  let typescript: Script;

  beforeAll(async () => {
    typescript = await bundleScript(new URL('../../docs/clients/listener.ts', import.meta.url));
    cleanUps.push(() => typescript.remove());
    earshot = await musicProcess({ name: 'Quiet.wav', sound: quietWav(300, 'quiet') }, cleanUps);
    host = await sdkPerson(earshot.url, 'Hana');
    cleanUps.push(() => host.client.close());
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  const languages = [
    { language: 'TypeScript', start: (url: string, code: string) => typescript.start(url, code) },
    {
      language: 'Python',
      start: (url: string, code: string) =>
        spawn(PYTHON, [PYTHON_CLIENT, url, code], { stdio: ['ignore', 'pipe', 'pipe'] }),
    },
  ];

  it.for(languages)(
    'in $language hears what the room hears, follows what is done, and comes back',
    async ({ language, start }, context) => {
      if (language === 'Python' && (await orSkipped('Python', findPython)) === undefined)
        context.skip('no Python with the package websockets');
      const room = await host.client.createRoom({ name: language });
      const { code } = room.view.value.room;
      await expect.poll(async () => (await host.client.api.tracks('')).tracks.length).toBe(1);
      const [track] = (await host.client.api.tracks('')).tracks;
      if (track === undefined) expect.unreachable('the folder has a track');
      await room.add([track.id]);
      const proxy = await CutProxy.to(earshot.port);
      cleanUps.push(() => proxy.stop());
      const listener = start(`http://127.0.0.1:${proxy.port}`, code);
      const ended = endOf(listener);
      cleanUps.push(() => {
        listener.kill();
        return ended;
      });
      const heard = new Heard(listener, host);

      await room.play();
      const begun = await heard.next(({ state }) => state === 'playing');
      expect(begun.title).toBe(track.title);
      await room.seek(SOUGHT_MS);
      await heard.next(({ positionMs }) => positionMs >= SOUGHT_MS);
      await room.pause();
      await heard.next(({ state }) => state === 'paused');

      proxy.cut();
      // While it is away; so it must not only be back, but have got what it missed.
      await room.seek(2 * SOUGHT_MS);
      proxy.mend();
      await heard.next(({ positionMs }) => positionMs === 2 * SOUGHT_MS);
      expect(listener.exitCode).toBeNull();
      expect(heard.complaints).toBe('');
      expect(heard.quickestMs).toBeLessThan(QUICKEST_LINE_MS);
    },
  );
});

/** What a listener says, line by line, each judged as it comes. */
class Heard {
  complaints = '';
  /** Of the lines that tell a time: from then until it was read. */
  quickestMs = Infinity;
  readonly #told: Told[] = [];
  #read = 0;

  constructor(listener: ChildProcessByStdio<null, Readable, Readable>, { client }: SdkPerson) {
    listener.stderr.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    createInterface({ input: listener.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      const ago = (client.clock.now() ?? NaN) - told.hubTime;
      if (told.state !== 'stopped') this.quickestMs = Math.min(this.quickestMs, ago);
      const isRight = told.state === 'stopped' || (ago > -CLOCK_MS && ago < LINE_MS);
      if (!isRight) this.complaints += `${line} was told ${ago} ms later\n`;
      this.#told.push(told);
    });
  }

  /** The first line from now on of which it is true. */
  async next(isWanted: (told: Told) => boolean): Promise<Told> {
    let found: Told | undefined;
    await expect
      .poll(
        () => {
          for (; found === undefined && this.#read < this.#told.length; this.#read += 1) {
            const told = this.#told[this.#read];
            if (told !== undefined && isWanted(told)) found = told;
          }
          if (found === undefined && this.complaints !== '') throw new Error(this.complaints);
          return found;
        },
        { timeout: 30_000 },
      )
      .toBeDefined();
    if (found === undefined) expect.unreachable('the poll has found it');
    return found;
  }
}

function findPython(): Promise<string> {
  if (!existsSync(PYTHON)) throw new Error(`there is no ${PYTHON}`);
  const { status, stderr } = spawnSync(PYTHON, ['-c', 'import websockets'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Promise.resolve(PYTHON);
}
