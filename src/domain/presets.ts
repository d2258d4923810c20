// What each preset of a room stands for. Knows the settings and nothing of rooms.
import type { Preset, Settings } from '../../protocol/schemas/room.ts';

const COMMON = {
  skipVoteShare: 0.5,
  removeVoteShare: 0.5,
  gateMs: 1_500,
  gateQuorum: 0.75,
  friendsEnter: true,
  showActivity: true,
} as const;

export const PRESETS: Readonly<Record<Preset, Settings>> = {
  friends: {
    ...COMMON,
    control: 'all',
    queueAdd: 'all',
    queueEdit: 'all',
    chat: 'all',
    invite: 'all',
    queuePolicy: 'manual',
  },
  party: {
    ...COMMON,
    control: 'dj',
    queueAdd: 'all',
    queueEdit: 'dj',
    chat: 'all',
    invite: 'all',
    queuePolicy: 'fair',
  },
  radio: {
    ...COMMON,
    control: 'host',
    queueAdd: 'host',
    queueEdit: 'host',
    chat: 'all',
    invite: 'host',
    queuePolicy: 'manual',
    // What the host plays is not for the listeners to take off.
    skipVoteShare: 0,
    removeVoteShare: 0,
  },
};
