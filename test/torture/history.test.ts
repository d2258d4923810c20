// The checker on histories that were made by hand: a sound one passes, and each fault put into it is called by its name.
import { describe, expect, it } from 'vitest';
import type { EntryId, EventId, RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import { check } from './check.ts';
import { takenBack } from './check-sights.ts';
import type {
  ClientRecord,
  CommandRecord,
  History,
  LogRecord,
  LoggedEvent,
  Outcome,
  Sight,
} from './history.ts';

const ROOM = 'room' as RoomId;
const ANA = 'ana' as UserId;

function renamed(n: number, name: string): RoomEvent {
  return { id: `v${n}` as EventId, at: n, type: 'RoomUpdated', by: ANA, name };
}

function added(n: number, entryId: string): RoomEvent {
  const entries = { [entryId]: {} };
  return { id: `v${n}` as EventId, at: n, type: 'QueueAdded', by: ANA, entries } as RoomEvent;
}

const at = (epoch: number, revision: number, event: RoomEvent): LoggedEvent => ({
  epoch,
  revision,
  event,
});

function sight(epoch: number, revision: number, n: number): Sight {
  return { kind: 'revision', epoch, revision, eventId: `v${n}` as EventId };
}

function whole(epoch: number, revision: number, why: 'join' | 'epoch' = 'join'): Sight {
  return { kind: 'whole', why, epoch, revision, isProven: true };
}

function command(type: string, mark: CommandRecord['mark'], outcome: Outcome): CommandRecord {
  const shape = { roomId: ROOM, userId: ANA, type, at: 0, tries: 1, outcome };
  return mark === undefined ? shape : { ...shape, mark };
}

const rename = (name: string, outcome: Outcome): CommandRecord =>
  command('room.update', { kind: 'name', name }, outcome);
const add = (outcome: Outcome): CommandRecord => command('queue.add', { kind: 'entries' }, outcome);
const say = (text: string, outcome: Outcome): CommandRecord =>
  command('chat.send', { kind: 'text', text }, outcome);
const ok = (revision: number, epoch = 1): Outcome => ({ kind: 'ok', epoch, revision });
const UNKNOWN: Outcome = { kind: 'unknown' };
const message = (seq: number, text: string): ChatItem => ({
  kind: 'message',
  seq,
  at: 0,
  userId: ANA,
  name: 'Ana',
  text,
});

const EVENTS = [at(1, 1, renamed(1, 'A')), at(1, 2, added(2, 'e1')), at(1, 3, renamed(3, 'B'))];
const CHAT = [message(1, 'one'), message(2, 'two')];

const log = (who: string, events: readonly LoggedEvent[], isWhole = true): LogRecord => ({
  who,
  roomId: ROOM,
  isWhole,
  events,
});
const client = (who: string, ...sights: Sight[]): ClientRecord => ({
  who,
  roomId: ROOM,
  sights,
  mismatches: 0,
});
const ending = (who: string, epoch = 1, revision = 3, hash = 'h3') => ({
  who,
  roomId: ROOM,
  epoch,
  revision,
  hash,
});
const chat = (who: string, items: readonly ChatItem[], isWhole = true) => ({
  who,
  roomId: ROOM,
  isWhole,
  items,
});

const SOUND: History = {
  commands: [
    rename('A', ok(1)),
    add({ kind: 'ok', epoch: 1, revision: 2, entryIds: ['e1' as EntryId] }),
    rename('B', ok(3)),
    rename('C', { kind: 'refused', code: 'forbidden', isSure: true }),
    rename('D', UNKNOWN),
    say('one', { kind: 'ok', seq: 1 }),
    say('two', UNKNOWN),
    say('three', UNKNOWN),
  ],
  clients: [client('a', whole(1, 1), sight(1, 2, 2), sight(1, 3, 3)), client('b', whole(1, 3))],
  logs: [log('Postgres', EVENTS), log('Redis', EVENTS.slice(1), false)],
  endings: [ending('a'), ending('b'), ending('Postgres')],
  chats: [chat('Postgres', CHAT), chat('a', CHAT.slice(1), false)],
};

const rulesOf = (history: History): readonly string[] => [
  ...new Set(check(history).map(({ rule }) => rule)),
];

/** Epoch 2 began at revision 1: what had been 1-2 and 1-3 was lost, and is put back behind another event. */
function putBack(): History {
  const events = [
    at(1, 1, renamed(1, 'A')),
    at(2, 2, renamed(9, 'E')),
    at(2, 3, added(2, 'e1')),
    at(2, 4, renamed(3, 'B')),
  ];
  return {
    ...SOUND,
    commands: [...SOUND.commands, rename('E', ok(2, 2))],
    clients: [
      client('a', whole(1, 1), sight(1, 2, 2), sight(1, 3, 3), whole(2, 4, 'epoch')),
      client('b', whole(1, 3), whole(2, 2, 'join'), sight(2, 3, 2), sight(2, 4, 3)),
    ],
    logs: [log('Postgres', events)],
    endings: [ending('a', 2, 4), ending('b', 2, 4)],
  };
}

describe('a sound history', () => {
  it('passes', () => {
    expect(check(SOUND)).toEqual([]);
  });

  it('passes where a lost tail came back under a new epoch', () => {
    expect(check(putBack())).toEqual([]);
  });

  it('passes where what nobody was promised went with an epoch, and it is counted', () => {
    const history = putBack();
    const [a, b] = history.clients;
    const clients = [
      { ...a!, sights: [...a!.sights.slice(0, 3), sight(1, 4, 77), ...a!.sights.slice(3)] },
      b!,
    ];
    expect(check({ ...history, clients })).toEqual([]);
    expect(takenBack({ ...history, clients })).toBe(1);
  });

  it('passes where revisions come twice, or belong to an epoch that is over', () => {
    const history = putBack();
    const [a, b] = history.clients;
    const clients = [
      { ...a!, sights: [...a!.sights, sight(1, 3, 3), sight(2, 4, 3)] },
      { ...b!, sights: [...b!.sights, sight(2, 3, 2)] },
    ];
    expect(check({ ...history, clients })).toEqual([]);
  });

  it('passes where a client goes on from what it had', () => {
    const since = { epoch: 1, revision: 2 };
    const sights: Sight[] = [
      whole(1, 1),
      sight(1, 2, 2),
      { kind: 'resumed', since, epoch: 1 },
      sight(1, 3, 3),
    ];
    expect(check({ ...SOUND, clients: [client('a', ...sights)] })).toEqual([]);
  });
});

const logsOf = (...events: LoggedEvent[]): Partial<History> => ({
  logs: [log('Postgres', events)],
});
const clientsOf = (...sights: Sight[]): Partial<History> => ({ clients: [client('a', ...sights)] });
const withCommand = (...commands: CommandRecord[]): Partial<History> => ({
  commands: [...SOUND.commands, ...commands],
});
const [FIRST, SECOND, THIRD] = EVENTS as [LoggedEvent, LoggedEvent, LoggedEvent];

describe('a fault is called by its name:', () => {
  const faults: readonly (readonly [string, Partial<History>, string])[] = [
    [
      'an acknowledged command is not in the log',
      withCommand(rename('X', ok(4))),
      'acknowledged-lost',
    ],
    [
      'acknowledged entries are not in the log',
      withCommand(add({ kind: 'ok', entryIds: ['e9' as EntryId] })),
      'acknowledged-lost',
    ],
    ['a command took effect twice', logsOf(...EVENTS, at(1, 4, renamed(4, 'A'))), 'done-twice'],
    [
      'entries were added twice, under other ids',
      logsOf(...EVENTS, at(1, 4, added(4, 'e2'))),
      'done-twice',
    ],
    [
      'an unanswered command took effect twice',
      logsOf(...EVENTS, at(1, 4, renamed(4, 'D')), at(1, 5, renamed(5, 'D'))),
      'done-twice',
    ],
    [
      'a refused command took effect',
      logsOf(...EVENTS, at(1, 4, renamed(4, 'C'))),
      'refused-yet-done',
    ],
    [
      'a reply names another event',
      { commands: [rename('A', ok(3)), ...SOUND.commands.slice(1)] },
      'reply-names-another',
    ],
    [
      'a reply names another event, which only a client was shown',
      { ...putBack(), commands: [rename('A', ok(3, 1)), ...putBack().commands.slice(1)] },
      'reply-names-another',
    ],
    ['a log has a hole', logsOf(FIRST, THIRD), 'log-broken'],
    ['a log begins late', logsOf(SECOND, THIRD), 'log-broken'],
    ['a log goes back', logsOf(FIRST, at(2, 2, added(2, 'e1')), THIRD), 'log-broken'],
    ['an event is in a log twice', logsOf(...EVENTS, at(1, 4, renamed(3, 'F'))), 'log-broken'],
    [
      'the newest events of a store are out of order',
      { logs: [log('Postgres', EVENTS), log('Redis', [THIRD, SECOND], false)] },
      'log-broken',
    ],
    [
      'a store ends elsewhere',
      { logs: [log('Postgres', EVENTS), log('Redis', [SECOND], false)] },
      'logs-differ',
    ],
    [
      'a store has another event',
      {
        logs: [log('Postgres', EVENTS), log('Redis', [at(1, 2, renamed(8, 'Z')), THIRD], false)],
      },
      'logs-differ',
    ],
    [
      'a store has an event under another number',
      { logs: [log('Postgres', EVENTS), log('Redis', [at(1, 1, SECOND.event), THIRD], false)] },
      'logs-differ',
    ],
    ['no store has the whole log', { logs: [log('Redis', EVENTS, false)] }, 'nothing-to-compare'],
    ['a number means two things', clientsOf(whole(1, 1), sight(1, 2, 8)), 'two-meanings'],
    [
      'a number meant two things, though the log has neither',
      {
        ...putBack(),
        clients: [
          client('a', whole(1, 3), sight(1, 4, 70), whole(2, 4)),
          client('b', whole(1, 3), sight(1, 4, 71), whole(2, 4)),
        ],
      },
      'two-meanings',
    ],
    ['a client missed a revision', clientsOf(whole(1, 1), sight(1, 3, 3)), 'hole'],
    ['a client was told of a room that it had not been shown', clientsOf(sight(1, 3, 3)), 'hole'],
    ['a client was shown less than before', clientsOf(whole(1, 3), whole(1, 2)), 'went-back'],
    ['a client was shown an epoch that is over', clientsOf(whole(2, 1), whole(1, 3)), 'went-back'],
    [
      'a client was told to go on in an epoch that is over',
      clientsOf(whole(2, 1), { kind: 'resumed', since: { epoch: 1, revision: 3 }, epoch: 1 }),
      'went-back',
    ],
    [
      'a new epoch began between two revisions',
      { ...putBack(), clients: [client('a', whole(1, 1), sight(2, 2, 9))] },
      'epoch-unannounced',
    ],
    [
      'a client was told to go on in another epoch',
      {
        ...putBack(),
        clients: [client('a', { kind: 'resumed', since: { epoch: 1, revision: 1 }, epoch: 2 })],
      },
      'epoch-unannounced',
    ],
    ['what was shown is nowhere', clientsOf(whole(1, 3), sight(1, 4, 44)), 'vanished'],
    [
      'what was shown is elsewhere in the same epoch',
      { ...logsOf(FIRST, THIRD, SECOND), ...clientsOf(whole(1, 1), sight(1, 4, 2)) },
      'vanished',
    ],
    [
      'a snapshot does not have its hash',
      clientsOf({ kind: 'whole', why: 'join', epoch: 1, revision: 3, isProven: false }),
      'wrong-hash',
    ],
    [
      'a patched state does not have its hash',
      { clients: [{ ...client('a', whole(1, 3)), mismatches: 1 }] },
      'wrong-hash',
    ],
    [
      'one ends with another state',
      { endings: [ending('a'), ending('b', 1, 3, 'x')] },
      'endings-differ',
    ],
    ['one ends earlier', { endings: [ending('a'), ending('b', 1, 2)] }, 'endings-differ'],
    ['one ends in another epoch', { endings: [ending('a'), ending('b', 2)] }, 'endings-differ'],
    ['nobody told how it ended', { endings: [ending('a')] }, 'nothing-to-compare'],
    [
      'a chat has a hole',
      { chats: [chat('Postgres', [message(1, 'one'), message(3, 'two')])] },
      'chat-broken',
    ],
    [
      'a chat does not begin at its beginning',
      { chats: [chat('Postgres', [message(2, 'one')])] },
      'chat-broken',
    ],
    [
      'somebody has another message',
      { chats: [chat('Postgres', CHAT), chat('a', [message(2, 'other')], false)] },
      'chat-differs',
    ],
    [
      'somebody misses the end of the chat',
      { chats: [chat('Postgres', CHAT), chat('a', [message(1, 'one')], false)] },
      'chat-differs',
    ],
    ['nobody has the whole chat', { chats: [chat('a', CHAT, false)] }, 'nothing-to-compare'],
    [
      'an acknowledged message is gone',
      withCommand(say('gone', { kind: 'ok', seq: 9 })),
      'said-lost',
    ],
    [
      'a message is there twice',
      { chats: [chat('Postgres', [...CHAT, message(3, 'two')])] },
      'said-twice',
    ],
    [
      'a refused message is there',
      {
        ...withCommand(say('no', { kind: 'refused', code: 'forbidden', isSure: true })),
        chats: [chat('Postgres', [...CHAT, message(3, 'no')])],
      },
      'refused-yet-done',
    ],
  ];

  it.each(faults)('%s', (_what, fault, rule) => {
    expect(rulesOf({ ...SOUND, ...fault })).toContain(rule);
  });

  it('a command that was lost while a put-back is told by nothing else', () => {
    const history = putBack();
    const [whole] = history.logs;
    const events = whole!.events.slice(0, 3);
    const lost = { ...history, logs: [log('Postgres', events)] };
    expect(rulesOf(lost)).toEqual(expect.arrayContaining(['acknowledged-lost', 'vanished']));
  });
});
