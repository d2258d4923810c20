// A hub for load tests, and what is asked of it: scenarios of few people, written to files as somebody's own are.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { EarshotProcess, temporaryDir } from './earshot-process.ts';
import { startLoadTest, type LoadTestRun, type RunningLoadTest } from './load-test.ts';

const SECRET = 'the load test and its hub share this';

/** Judges what came and what did not, which is the hub's and the network's: times are the machine's. */
export const LEDGER = '--ledger-only';

/** Friends who listen alone, so often that there is something to see. */
export function friends(seconds: number): object {
  return {
    groups: [{ kind: 'feed', people: 16, meanFriends: 4, playsPerMinute: 5, privateShare: 0.2 }],
    phases: [
      { name: 'ramp', seconds: 1, from: 0, load: 1 },
      { name: 'steady', seconds, measured: true },
    ],
    thresholds: ['faults == 0', 'refused == 0'],
  };
}

export class LoadTestedHub {
  readonly hub: EarshotProcess;
  readonly #temporary: Awaited<ReturnType<typeof temporaryDir>>;
  #runs = 0;

  private constructor(hub: EarshotProcess, temporary: Awaited<ReturnType<typeof temporaryDir>>) {
    this.hub = hub;
    this.#temporary = temporary;
  }

  static async start(): Promise<LoadTestedHub> {
    const temporary = await temporaryDir();
    return new LoadTestedHub(await startHub(path.join(temporary.dir, 'data')), temporary);
  }

  async stop(): Promise<void> {
    await this.hub.kill();
    await this.#temporary.remove();
  }

  /** One more, of the same secret; the test ends it. */
  another(name: string): Promise<EarshotProcess> {
    return startHub(path.join(this.#temporary.dir, name));
  }

  start(...args: readonly string[]): RunningLoadTest {
    this.#runs += 1;
    const out = path.join(this.#temporary.dir, `report-${this.#runs}`);
    return startLoadTest(args, out, { TOKEN_SECRET: SECRET });
  }

  run(...args: readonly string[]): Promise<LoadTestRun> {
    return this.start(...args).ended;
  }

  /** A scenario of two full rooms where much is said, as a file. */
  async talkative(changes: object = {}): Promise<string> {
    const scenario = {
      name: 'talkative',
      groups: [
        {
          ...{ kind: 'rooms', rooms: 2, listeners: 20, preset: 'friends', tracks: 2 },
          acts: { seek: 30, queue: 240, chat: 400 },
        },
      ],
      phases: [
        { name: 'ramp', seconds: 1, from: 0, load: 1 },
        { name: 'steady', seconds: 4, measured: true },
      ],
      settleSeconds: 1,
      thresholds: ['faults == 0', 'stalls == 0'],
      ...changes,
    };
    this.#runs += 1;
    const file = path.join(this.#temporary.dir, `scenario-${this.#runs}.yaml`);
    // JSON is YAML.
    await writeFile(file, JSON.stringify(scenario));
    return file;
  }
}

function startHub(dataDir: string): Promise<EarshotProcess> {
  return EarshotProcess.start({ DATA_DIR: dataDir, TOKEN_SECRET: SECRET, LOG_LEVEL: 'info' });
}

/** Resolves when so many are connected and rooms are there: a busy machine takes longer than any pause. */
export async function hasPeople(node: EarshotProcess, count: number): Promise<void> {
  const atLeast = (name: string, least: number): Promise<void> =>
    expect.poll(() => node.metric(name), { timeout: 60_000 }).toBeGreaterThanOrEqual(least);
  await atLeast('earshot_connections', count);
  await atLeast('earshot_rooms', 1);
  await pause(2_000);
}
