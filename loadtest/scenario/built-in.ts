// Owns the scenarios that come along. The rates of acts are assumptions about people who listen together, and are there to be changed.
import type { ScenarioInput } from './scenario.ts';

const ZERO_FAULTS = ['faults == 0', 'refused == 0', 'lost == 0', 'stalls == 0'];
/** What friends in a room do, a minute. */
const PARTY_ACTS = {
  ...{ play: 0.5, pause: 0.5, seek: 1, skip: 0.3 },
  ...{ queue: 1, vote: 0.5, chat: 8, reaction: 6 },
};
const warmUp = { name: 'ramp', seconds: 10, from: 0, load: 1 };
const steady = { name: 'steady', seconds: 30, load: 1, measured: true };

export const BUILT_IN: Readonly<Record<string, ScenarioInput>> = {
  party: {
    name: 'party',
    description: 'rooms of five friends who queue, seek, skip, talk and react',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 100, listeners: 5, preset: 'friends' },
        acts: PARTY_ACTS,
      },
    ],
    phases: [warmUp, steady],
    thresholds: [
      ...ZERO_FAULTS,
      'command.last p99 <= 250',
      'join p99 <= 1000',
      'inStep.error p99 <= 20',
    ],
  },
  stadium: {
    name: 'stadium',
    description: 'one room, a thousand listeners, one who plays',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 1, listeners: 1_000, grows: 'listeners', preset: 'radio' },
        acts: { seek: 6, skip: 1, chat: 60, reaction: 240 },
      },
    ],
    phases: [warmUp, steady],
    thresholds: [
      ...ZERO_FAULTS,
      'command.last p99 <= 250',
      'join p99 <= 1000',
      'inStep.error p99 <= 20',
    ],
  },
  radio: {
    name: 'radio',
    description: 'many listeners in some rooms where nobody does anything',
    groups: [{ kind: 'rooms', rooms: 10, listeners: 200, grows: 'listeners', preset: 'radio' }],
    phases: [warmUp, steady],
    thresholds: [...ZERO_FAULTS, 'join p99 <= 1000', 'inStep.error p99 <= 20'],
  },
  feed: {
    name: 'feed',
    description:
      'people who listen alone and see what their friends hear; some have far more friends than others',
    groups: [{ kind: 'feed', people: 200, meanFriends: 10, playsPerMinute: 2 }],
    phases: [warmUp, { ...steady, seconds: 60 }],
    thresholds: [...ZERO_FAULTS, 'feed.visible p99 <= 1000'],
  },
  storm: {
    name: 'storm',
    description: 'everybody loses the connection at once and comes back',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 200, listeners: 5, preset: 'friends' },
        acts: { seek: 1, chat: 8 },
      },
    ],
    phases: [
      warmUp,
      { name: 'before', seconds: 10, measured: true },
      { name: 'storm', seconds: 20, measured: true, event: 'reconnect', withinSeconds: 0 },
      { name: 'after', seconds: 10, measured: true },
    ],
    thresholds: [...ZERO_FAULTS, 'resume p99 <= 10000'],
  },
  drain: {
    name: 'drain',
    description:
      'the nodes of a deployment are told to drain, one after the other, under load; name them with --drain',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 100, listeners: 5, preset: 'friends' },
        acts: { seek: 1, skip: 0.3, chat: 8 },
      },
    ],
    phases: [
      warmUp,
      { name: 'before', seconds: 10, measured: true },
      { name: 'drain', seconds: 40, measured: true, event: 'drain', withinSeconds: 30 },
      { name: 'after', seconds: 10, measured: true },
    ],
    thresholds: [...ZERO_FAULTS, 'resume p99 <= 1000', 'inStep.error p99 <= 20'],
  },
  'join-leave': {
    name: 'join-leave',
    description: 'people who come and go all the time',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 50, listeners: 10, preset: 'friends', staySeconds: 15, awaySeconds: 5 },
        acts: { seek: 1, chat: 4 },
      },
    ],
    phases: [warmUp, steady],
    thresholds: [...ZERO_FAULTS, 'join p99 <= 1000'],
  },
  soak: {
    name: 'soak',
    description: 'half an hour of a party, to see whether anything grows',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 100, listeners: 5, preset: 'friends', staySeconds: 600 },
        acts: PARTY_ACTS,
      },
    ],
    phases: [
      { ...warmUp, seconds: 30 },
      { ...steady, seconds: 1_800 },
    ],
    thresholds: [...ZERO_FAULTS, 'command.last p99 <= 250', 'inStep.error p99 <= 20'],
  },
  mixed: {
    name: 'mixed',
    description: 'parties, a stadium, a radio and a feed at once',
    groups: [
      {
        kind: 'rooms',
        ...{ rooms: 60, listeners: 5, preset: 'friends', staySeconds: 120 },
        acts: PARTY_ACTS,
      },
      {
        kind: 'rooms',
        ...{ rooms: 1, listeners: 300, grows: 'listeners', preset: 'radio' },
        acts: { seek: 6, chat: 30, reaction: 120 },
      },
      { kind: 'rooms', rooms: 5, listeners: 60, grows: 'listeners', preset: 'radio' },
      { kind: 'feed', people: 100, meanFriends: 8, playsPerMinute: 1 },
    ],
    phases: [warmUp, steady],
    thresholds: [
      ...ZERO_FAULTS,
      'command.last p99 <= 250',
      'join p99 <= 1000',
      'inStep.error p99 <= 20',
    ],
  },
};
