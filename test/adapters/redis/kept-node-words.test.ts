// What nodes say to all nodes, over the feed: kept, so that a node of another version still does what it is told.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { UserId } from '../../../protocol/ids.ts';
import { Dismissals } from '../../../src/hub/dismissals.ts';
import { FellowNodes } from '../../../src/hub/fellow-nodes.ts';
import { RevokedTokens } from '../../../src/hub/revoked-tokens.ts';
import type { Feed } from '../../../src/ports/feed.ts';
import type { RevocationDraft, RevocationSubject } from '../../../src/ports/revocations.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { logRecorder } from '../../support/log-recorder.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, describeWords, grown, type Words, type WordsNode } from './words-place.ts';

const TO_ALL = '00000000-0000-0000-0000-000000000000' as UserId;
const HUB = path.resolve('src/hub');

/** Whatever on a node hears such words, and what it does. */
interface Hearers {
  readonly fellows: FellowNodes;
  readonly dismissals: Dismissals;
  readonly revoked: RevokedTokens;
  readonly acts: unknown[][];
}

await describeWords('words to all nodes', (place) => {
  const stops: (() => void)[] = [];
  const end = (): void => {
    for (const stop of stops.splice(0)) stop();
  };
  afterEach(end);

  async function hearersOf(
    nodeId: string,
    { feed, time }: WordsNode,
    signal = (...told: Parameters<Feed['signal']>) => feed.signal(...told),
  ): Promise<Hearers> {
    const acts: unknown[][] = [];
    const act =
      (what: string) =>
      (...about: unknown[]): void =>
        void acts.push([what, ...about]);
    let ids = 0;
    const common = {
      feed: {
        signal,
        subscribe: (...asked: Parameters<Feed['subscribe']>) => feed.subscribe(...asked),
        onDoubt: (listener: () => void) => feed.onDoubt(listener),
      },
      timers: time,
      log: logRecorder(place.lines),
    };
    const fellows = new FellowNodes({
      ...{ ...common, nodeId, drain: act('drain'), newId: () => `${nodeId}-${(ids += 1)}` },
      alive: () => new Set(['east', 'west']),
      report: () => ({
        ...{ id: nodeId, host: 'hub-1', worker: 1, release: '0.1.0', version: '0.1.0' },
        ...{ startedAt: 5.5, connections: 3, rooms: 1 },
        ...{ isReady: false, reasons: ['draining'], away: ['Redis'] },
      }),
      rooms: () => [
        { id: 'r1', code: 'KTCHN2', name: 'Küche', visibility: 'unlisted', hereCount: 2 },
      ],
    });
    const dismissals = new Dismissals({
      ...{ ...common, outbox: { close: act('close') }, connectionsOf: () => [] },
      ...{ forget: act('forget'), look: act('look'), turnAway: act('turn away') },
    });
    const revoked = new RevokedTokens({
      ...common,
      revocations: {
        add: (draft) => Promise.resolve({ ...draft, id: 'r1' }),
        lift: () => Promise.resolve(undefined),
        changes: () => Promise.resolve([]),
        page: () => Promise.resolve([]),
      },
      wallNow: () => 1_000,
      clockToleranceMs: 0,
    });
    await revoked.start();
    revoked.onRevoked(act('revoked'));
    for (const each of [fellows, dismissals, revoked]) stops.push(() => each.stop());
    await feed.subscribe(TO_ALL, () => undefined).ready;
    return { fellows, dismissals, revoked, acts };
  }

  /** The words of this type that are told when `act` has been done on one of two nodes. */
  async function wordsOf(type: string, act: (all: Hearers) => unknown): Promise<Words> {
    end();
    const { told } = await place.written(
      async (east) => {
        await hearersOf('west', await place.node('west'));
        let isAway = type.includes('late');
        const all = await hearersOf('east', east, async (...word) => {
          if (isAway) throw new StoreUnavailable('Redis');
          await east.feed.signal(...word);
        });
        // Whom it asks may not answer before it has stopped.
        void act(all);
        await east.time.settle();
        isAway = false;
        if (type.includes('late')) await east.time.advance(1_000);
        await east.redis.get('nothing');
        // What another answers is on its way by then.
        if (type.includes('told')) await expect.poll(() => all.acts.length).toBe(1);
      },
      [TO_ALL],
    );
    end();
    const [name = ''] = type.split(' ');
    return { keys: {}, told: told.filter(([, text]) => text.includes(`"type":"${name}"`)) };
  }

  /** What another node does that is told this. */
  async function read(words: Words): Promise<unknown[][]> {
    end();
    let acts: unknown[][] = [];
    const node = await place.heard(words, async (west) => {
      ({ acts } = await hearersOf('west', west));
      west.feed.subscribe(
        TO_ALL,
        () => undefined,
        (word) => {
          if (word['type'] === 'nodes.told') acts.push(['told', word]);
        },
      );
    });
    // What it answers has come back to it after this.
    await node.redis.get('nothing');
    await place.tell(node, [[place.keys.feedChannel(TO_ALL), 'signal\n{}']]);
    return acts;
  }

  /** What one learns that has asked the others. */
  async function answered(
    words: Words,
    ask: (fellows: FellowNodes) => Promise<object>,
  ): Promise<object> {
    end();
    let asked: Promise<object> = Promise.resolve({});
    await place.heard(words, async (node) => {
      const { fellows } = await hearersOf('east', node);
      asked = ask(fellows);
      await node.time.settle();
    });
    // Or it waits for those who have not answered.
    end();
    return asked;
  }

  const example = (type: string, act: (all: Hearers) => unknown): Example<Words> => ({
    write: () => wordsOf(type, act),
    read,
  });
  const answer = (ask: (fellows: FellowNodes) => Promise<object>): Example<Words> => ({
    write: () =>
      wordsOf('nodes.told', ({ fellows, acts }) =>
        ask(fellows).then((found) => acts.push(['answered', found])),
      ),
    read: (words) => answered(words, ask),
  });
  const draft = (subject: RevocationSubject, more: object = {}): RevocationDraft => ({
    ...{ at: 900.5, endsAt: undefined, by: BO, reason: undefined, ...more },
    ...subject,
  });
  const REVOCATIONS: { readonly [K in RevocationSubject['kind']]: RevocationDraft } = {
    token: draft({ kind: 'token', tokenId: 't1' }, { endsAt: 5_000, reason: 'lost' }),
    user: draft({ kind: 'user', userId: ANA }),
    ban: draft({ kind: 'ban', userId: ANA }),
  };
  const examples: Readonly<Record<string, Example<Words>>> = {
    'nodes.asked': example('nodes.asked', ({ fellows }) => fellows.nodes()),
    'nodes.asked about rooms': example('nodes.asked', ({ fellows }) => fellows.rooms()),
    'nodes.drain': example('nodes.drain', ({ fellows }) => fellows.drain('west', 5_000)),
    'nodes.told': answer((fellows) => fellows.nodes()),
    'nodes.told of rooms': answer((fellows) => fellows.rooms()),
    'account.dismissed': example('account.dismissed', ({ dismissals }) => dismissals.person(ANA)),
    'account.dismissed of a device': example('account.dismissed', ({ dismissals }) =>
      dismissals.device(ANA, 'd1'),
    ),
    'account.dismissed late': example('account.dismissed late', ({ dismissals }) =>
      dismissals.person(ANA),
    ),
    ...Object.fromEntries(
      Object.entries(REVOCATIONS).map(([kind, each]) => [
        `token.revoked as ${kind}`,
        example('token.revoked', ({ revoked }) => revoked.revoke(each)),
      ]),
    ),
  };

  const newest = testKept('node-words', examples);

  // Their types are each file's own: whatever looks like one in a file that talks to the nodes is one.
  it('are all kept', () => {
    const sources = readdirSync(HUB)
      .filter((name) => name !== 'node-words.ts' && name.endsWith('.ts'))
      .map((name) => readFileSync(path.join(HUB, name), 'utf8'))
      .filter((text) => text.includes("from './node-words.ts'"));
    expect(sources.length).toBeGreaterThan(2);
    const types = sources.flatMap((text) => text.match(/(?<=')[a-z]+\.[a-z]+(?=')/g) ?? []);
    const kept = Object.keys(examples).map((name) => name.split(' ')[0]);
    expect([...new Set(types)].sort()).toEqual([...new Set(kept)].sort());
  });

  it.each(Object.entries(examples))('may have more members: %s', async (name, example) => {
    const words = newest(name);
    const known = (await example.read(words)) as object;
    expect(known).not.toEqual([]);
    expect(known).not.toMatchObject({ missing: ['west'] });
    expect(await example.read(grown(words, false))).toMatchObject(known);
    expect(place.complaints).toEqual([]);
  });

  it('are passed over where only a newer version knows them', async () => {
    const channel = place.keys.feedChannel(TO_ALL);
    const told = [
      '{"type":"nodes.later","id":"x"}',
      '{"type":"nodes.asked","id":"x","about":"later"}',
      '{"type":"account.later","userId":"u"}',
      '{"later":true}',
    ].map((json) => [channel, `signal\n${json}`] as const);
    expect(await read({ keys: {}, told })).toEqual([]);
    expect(place.complaints).toEqual([]);
  });

  it('revoke nothing that this version knows where they revoke in another way', async () => {
    const channel = place.keys.feedChannel(TO_ALL);
    const later = { kind: 'later', userId: ANA, id: 'r2', at: 900, by: BO };
    const text = `signal\n${JSON.stringify({ type: 'token.revoked', revocation: later })}`;
    let hearers: Hearers | undefined;
    await place.heard({ keys: {}, told: [[channel, text]] }, async (node) => {
      hearers = await hearersOf('west', node);
    });
    const terms = { tokenId: 't1', issuedAtMs: 1 };
    expect(hearers?.revoked.refusal(ANA, terms as never)).toBeUndefined();
    expect(place.complaints).toEqual([]);
  });
});
