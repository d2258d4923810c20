// Owns the list of clocks that the bench compares, by name; knows how each is made, not what it is measured by.

import { corridorSubject } from '../../test/clock/support/corridor-subject.ts';
import type { SimSubject } from '../../test/clock/support/sim-scenario.ts';
import { beatsync } from './peers/beatsync.ts';
import { ircamSync } from './peers/ircam-sync.ts';
import { jellyfin } from './peers/jellyfin.ts';
import { peerSubject } from './peers/peer-clock.ts';
import { sendspin } from './peers/sendspin.ts';
import { snapcast } from './peers/snapcast.ts';
import { timesync } from './peers/timesync.ts';

export const subjectNames = [
  'earshot',
  'sendspin',
  '@ircam/sync',
  'beatsync',
  'snapcast',
  'timesync, 10 s',
  'timesync',
  'jellyfin',
] as const;
export type SubjectName = (typeof subjectNames)[number];

export type MakeSubject = (nowMs: number, random: () => number) => SimSubject;

const hourMs = 3_600_000;

export const subjects: Record<SubjectName, MakeSubject> = {
  earshot: corridorSubject,
  sendspin: peerSubject(sendspin),
  '@ircam/sync': peerSubject(ircamSync),
  beatsync: peerSubject(beatsync),
  snapcast: peerSubject(snapcast),
  'timesync, 10 s': peerSubject(timesync(10_000)),
  timesync: peerSubject(timesync(hourMs)),
  jellyfin: peerSubject(jellyfin),
};
