// Owns the words for what a report counts and measures, and the order in which it is told.

// Maps, as a report may name anything: an object knows names that it was never given.
const MEANINGS = new Map(
  Object.entries({
    connect: 'wanting to come, to the greeting',
    join: 'wanting to come, to being in the room',
    resume: 'the loss of the connection, to being back in the room',
    'feed.visible': 'the moment from which a track is to be shown, to each friend who sees it',
    probe: 'a probe’s round trip, the hub’s own time taken off',
    'inStep.error': 'where a player is, to where it should be',
    'inStep.spread': 'in a room, the player furthest ahead to the one furthest behind',
    'generator.late': 'when an act was meant, to when it was sent',
  }),
);

const ENDS = new Map(
  Object.entries({
    ack: 'to the answer',
    each: 'to each listener who is told of it',
    last: 'to the last listener who is told of it',
  }),
);

/** From what to what a latency counts; empty for one that is not known here. */
export function meaningOf(name: string): string {
  const known = MEANINGS.get(name);
  if (known !== undefined) return known;
  const dot = name.lastIndexOf('.');
  const end = ENDS.get(name.slice(dot + 1));
  if (end === undefined) return '';
  const act = name.slice(0, dot);
  return act === 'command'
    ? `play, pause, seek, skip, queue or vote, ${end}`
    : `${act === 'feed' ? 'a play' : act}, ${end}`;
}

export interface LatencyGroup {
  readonly title: string;
  readonly names: readonly string[];
}

/** What is compared with each other, the most asked for first. */
export const GROUPS: readonly LatencyGroup[] = [
  { title: 'Commands', names: ['command.ack', 'command.each', 'command.last'] },
  { title: 'Coming and coming back', names: ['connect', 'join', 'resume'] },
  { title: 'Being in step', names: ['inStep.error', 'inStep.spread'] },
  { title: 'Chat', names: ['chat.ack', 'chat.each', 'chat.last'] },
  { title: 'Feed', names: ['feed.ack', 'feed.visible'] },
  { title: 'The line and the generator', names: ['probe', 'generator.late'] },
];

/** Those of the groups in their order, then those of single acts by name. */
export function ordered(names: readonly string[]): {
  readonly main: readonly string[];
  readonly acts: readonly string[];
} {
  const known = GROUPS.flatMap((group) => group.names);
  return {
    main: known.filter((name) => names.includes(name)),
    acts: names.filter((name) => !known.includes(name)).sort(),
  };
}

type Words = readonly [name: string, meaning?: string];

const COUNTED = new Map(
  Object.entries<Words>({
    opened: ['connections opened'],
    joined: ['people who came into a room'],
    left: ['people who left by themselves'],
    drained: ['connections told to go elsewhere'],
    framesReceived: ['frames received'],
    bytesReceived: ['bytes received'],
    requests: ['requests sent'],
    stale: ['stale', 'refused as the room had moved on: two people at once'],
    unsent: ['unsent', 'acts for which nobody was connected who may'],
    idle: ['idle', 'acts for which there was no occasion'],
    unanswered: ['unanswered', 'requests whose answer never came'],
    broken: ['broken', 'requests under way when their connection broke'],
    lost: ['lost', 'people who should be in their room at the end, and are not'],
  }),
);

const ACCOUNTED = new Map(
  Object.entries<Words>({
    frames: ['frames'],
    revisions: ['revisions of rooms'],
    chatItems: ['chat messages'],
    presenceChanges: ['changes of presence'],
    reactions: ['reactions'],
    feedItems: ['items of the feed'],
    snapshotsForBehind: ['snapshots for slow sockets'],
    snapshotsForEpoch: ['snapshots for a new epoch'],
    resumed: ['resumes with what was missed'],
    resumedWhole: ['resumes with a snapshot'],
    chatLeftOut: ['chat left out, and said so'],
    repairs: ['repairs asked for'],
  }),
);

/** The name of what is counted, and what it means where the name does not say; one that is not known here stands for itself. */
export function wordsOf(name: string): Words {
  return COUNTED.get(name) ?? ACCOUNTED.get(name) ?? [name];
}
