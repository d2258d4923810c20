// What backs up the stores of `deploy/`: a backup is there whole or not at all, and none from before is touched.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const dir = mkdtempSync(path.join(tmpdir(), 'earshot-backup-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Info {
  readonly run?: string;
  readonly isWriting?: boolean;
  readonly status?: 'ok' | 'err';
  /** When it wrote its file last, in seconds. */
  readonly savedAt: number;
}

/** In the form in which Redis says it, with the ends of its lines. */
const infoOf = ({ run = 'a1b2', isWriting = false, status = 'ok', savedAt }: Info): string =>
  [
    '# Server',
    `run_id:${run}`,
    '# Persistence',
    `rdb_bgsave_in_progress:${isWriting ? 1 : 0}`,
    `rdb_last_save_time:${savedAt}`,
    `rdb_last_bgsave_status:${status}`,
    '',
  ].join('\r\n');

interface Stores {
  /** Of the shell: what `pg_dump` does, and `mongodump`. */
  readonly postgres?: string;
  readonly mongo?: string;
  /** What Redis answers each time that it is asked; the last one from then on. */
  readonly infos?: readonly (Info | string)[];
  readonly replies?: readonly string[];
}

const STARTED = 'Background saving started';
const GOOD: Required<Stores> = {
  postgres: 'echo people',
  mongo: 'echo listens',
  infos: [{ savedAt: 100 }, { savedAt: 100, isWriting: true }, { savedAt: 102 }],
  replies: [STARTED],
};

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `backup.sh` in a place of its own, with engines whose stores do what they are told here, and a clock that the test sets. */
class Place {
  readonly #root = mkdtempSync(path.join(dir, 'place-'));
  readonly folder = path.join(this.#root, 'backups of mine');
  readonly #script = path.join(this.#root, 'deploy', 'backup.sh');

  constructor() {
    for (const each of ['deploy', 'bin', 'redis']) mkdirSync(path.join(this.#root, each));
    copyFileSync('deploy/backup.sh', this.#script);
    this.#command('sleep', `echo "sleep $*" >> "${this.#told}"`);
    this.#command('date', 'echo "$NOW"');
  }

  get #told(): string {
    return path.join(this.#root, 'told');
  }

  /** What was asked of the stores, in order, a line each. */
  get told(): readonly string[] {
    return readFileSync(this.#told, 'utf8').trim().split('\n');
  }

  /** What is in the folder of backups, with the contents of each. */
  get backups(): Readonly<Record<string, Readonly<Record<string, string>>>> {
    return Object.fromEntries(
      readdirSync(this.folder).map((name) => [
        name,
        Object.fromEntries(
          readdirSync(path.join(this.folder, name)).map((file) => [
            file,
            readFileSync(path.join(this.folder, name, file), 'utf8').trim(),
          ]),
        ),
      ]),
    );
  }

  run(
    stores: Stores = {},
    { now = '20260131T120000Z', args = [] as readonly string[] } = {},
  ): Ended {
    const { postgres, mongo, infos, replies } = { ...GOOD, ...stores };
    const answers = (name: string, texts: readonly string[]): string => {
      for (const [i, text] of texts.entries())
        writeFileSync(path.join(this.#root, 'redis', `${name}.${i}`), text);
      const at = path.join(this.#root, 'redis', name);
      writeFileSync(at, '0');
      return `at=$(cat "${at}"); cat "${at}.$at"; [ "$at" -ge ${texts.length - 1} ] || echo $((at + 1)) > "${at}"`;
    };
    const said = infos.map((info) => (typeof info === 'string' ? info : infoOf(info)));
    const engine = [
      `told() { echo "$*" >> "${this.#told}"; }`,
      'case "$*" in',
      `*" pg_dump "*) told "$*"; ${postgres} ;;`,
      `*mongodump*) told "\${0##*/} mongodump"; ${mongo} ;;`,
      `*" redis-cli info") ${answers('info', said)} ;;`,
      `*" redis-cli bgsave") told bgsave; ${answers('bgsave', replies)} ;;`,
      `*" cat /data/dump.rdb") told "$*"; echo rooms ;;`,
      '*) told "unknown: $*"; exit 127 ;;',
      'esac',
    ];
    for (const name of ['docker', 'kubectl']) this.#command(name, ...engine);
    rmSync(this.#told, { force: true });
    const env = {
      PATH: `${path.join(this.#root, 'bin')}:${process.env['PATH'] ?? ''}`,
      NOW: now,
      REDIS_SECONDS: '5',
    };
    const given = [...args, this.folder];
    const { status, stdout, stderr } = spawnSync(this.#script, given, { env, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  #command(name: string, ...lines: string[]): void {
    const file = path.join(this.#root, 'bin', name);
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(file, 0o755);
  }
}

const WHOLE = { 'earshot.dump': 'people', 'earshot.archive': 'listens', 'earshot.rdb': 'rooms' };

describe('a backup of the stores', () => {
  it('is whole, in a new folder for its owner alone, and where it is stands in one line', () => {
    const place = new Place();
    const at = path.join(place.folder, 'earshot-20260131T120000Z');
    expect(place.run()).toEqual({ status: 0, stdout: `backed up to ${at}\n`, stderr: '' });
    expect(place.backups).toEqual({ 'earshot-20260131T120000Z': WHOLE });
    expect(statSync(at).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(at, 'earshot.dump')).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['Compose', [], 'compose exec -T postgres pg_dump', 'compose exec -T redis cat /data/dump.rdb'],
    [
      'Kubernetes',
      ['--kubernetes'],
      '-n earshot exec postgres-0 -- pg_dump',
      '-n earshot exec redis-0 -- cat /data/dump.rdb',
    ],
  ] as const)('asks Postgres, MongoDB and Redis in this order, in %s', (_, args, first, last) => {
    const place = new Place();
    expect(place.run({}, { args })).toMatchObject({ status: 0, stderr: '' });
    const told = place.told.filter((line) => !line.startsWith('sleep'));
    expect(told).toEqual([
      `${first} --username earshot --format=custom earshot`,
      expect.stringContaining('mongodump'),
      'bgsave',
      last,
    ]);
  });

  it('made again, is another one, and the first one stays', () => {
    const place = new Place();
    place.run();
    place.run({ postgres: 'echo more people' }, { now: '20260201T120000Z' });
    expect(place.backups).toEqual({
      'earshot-20260131T120000Z': WHOLE,
      'earshot-20260201T120000Z': { ...WHOLE, 'earshot.dump': 'more people' },
    });
  });

  it('of the same second is refused, and touches nothing', () => {
    const place = new Place();
    place.run();
    const { status, stderr } = place.run({ postgres: 'echo nobody' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('is there already')]);
    expect(place.backups).toEqual({ 'earshot-20260131T120000Z': WHOLE });
  });

  it('waits for what Redis is writing already, and then has it write anew', () => {
    const place = new Place();
    const replies = [
      'ERR Background save already in progress',
      "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE …",
      STARTED,
    ];
    expect(place.run({ replies })).toMatchObject({ status: 0, stderr: '' });
    expect(place.told.filter((line) => line === 'bgsave')).toHaveLength(3);
  });

  it.each<[what: string, stores: Stores, said: RegExp]>([
    ['pg_dump fails halfway', { postgres: 'echo peo; exit 1' }, /copying earshot\.dump failed/],
    ['pg_dump prints nothing', { postgres: ':' }, /earshot\.dump is empty/],
    ['mongodump fails halfway', { mongo: 'echo lis; exit 1' }, /copying earshot\.archive failed/],
    [
      'what Redis writes fails',
      {
        infos: [
          { savedAt: 100 },
          { savedAt: 100, isWriting: true },
          { savedAt: 100, status: 'err' },
        ],
      },
      /^Redis: it could not write its file/,
    ],
    ['Redis refuses to write', { replies: ['NOAUTH Authentication required.'] }, /^Redis: NOAUTH/],
    ['Redis lets nobody in', { infos: ['NOAUTH Authentication required.'] }, /^Redis: .*: NOAUTH/],
    [
      'Redis lets nobody in any more',
      { infos: [{ savedAt: 100 }, 'NOAUTH Authentication required.'] },
      /^Redis: .*: NOAUTH/,
    ],
    [
      'Redis never comes to an end',
      { infos: [{ savedAt: 100 }, { savedAt: 100, isWriting: true }] },
      /^Redis: it is still writing its file after 5 s/,
    ],
    [
      'Redis is always at something else',
      { replies: ['ERR Background save already in progress'] },
      /^Redis: it is still writing something else after 5 s/,
    ],
    [
      'Redis is started anew, and tells the time of its start',
      { infos: [{ savedAt: 100 }, { savedAt: 107, run: 'c3d4' }] },
      /^Redis: it was started anew meanwhile/,
    ],
    [
      'the file of Redis is that of before',
      { infos: [{ savedAt: 100 }] },
      /^Redis: its file is not newer than before/,
    ],
  ])('is none where %s: that is said, and the one before stays as it was', (_, stores, said) => {
    const place = new Place();
    place.run();
    const { status, stdout, stderr } = place.run(stores, { now: '20260201T120000Z' });
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/: no backup was made: .* failed\. Those before are as they were\.\n$/);
    expect([status, stdout]).toEqual([1, '']);
    expect(place.backups).toEqual({ 'earshot-20260131T120000Z': WHOLE });
  });

  it('says how it is called where it is called otherwise', () => {
    for (const args of [[], ['a', 'b'], ['--compose'], ['']]) {
      const { status, stderr } = spawnSync('deploy/backup.sh', args, { encoding: 'utf8' });
      expect([status, stderr]).toEqual([2, 'usage: deploy/backup.sh [--kubernetes] FOLDER\n']);
    }
  });
});
