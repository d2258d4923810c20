// The list of demo tracks, and how each becomes a file. Pure: the bytes are the same on every start.
import { paintCover } from './cover-painting.ts';
import type { CoverMotif } from './cover-painting.ts';
import { master, toPcm16 } from './master.ts';
import { METRONOME, metronomeReference } from './metronome.ts';
import { SAMPLE_RATE } from './mixer.ts';
import type { Stereo } from './stereo.ts';
import { harbourBeforeLight } from './pieces/harbour-before-light.ts';
import { lateTramWindowSeat } from './pieces/late-tram-window-seat.ts';
import { nineWoodenStairs } from './pieces/nine-wooden-stairs.ts';
import { paperLanternRoad } from './pieces/paper-lantern-road.ts';
import { pocketComet } from './pieces/pocket-comet.ts';
import { waltzForAnEmptyBallroom } from './pieces/waltz-for-an-empty-ballroom.ts';
import { wavFile } from './wav-file.ts';

export interface DemoTrack {
  readonly fileName: string;
  readonly title: string;
  readonly motif: CoverMotif;
  /** The finished recording, in `SAMPLE_RATE`. Takes about a second of a core. */
  record(): Int16Array;
}

/** Raise it when a piece changes: the files of the version before are replaced. */
export const DEMO_VERSION = 1;
export const DEMO_ARTIST = 'Earshot Demo Ensemble';
export const DEMO_ALBUM = 'Seven Small Rooms';
export const METRONOME_TITLE = 'Metronome';

function recorded(
  play: () => Stereo,
  fadeInSeconds: number,
  fadeOutSeconds: number,
): () => Int16Array {
  return () => {
    const mix = play();
    master(mix, { fadeInSeconds, fadeOutSeconds });
    return toPcm16(mix, true);
  };
}

/** In the order in which they are made: a piece first, then what sync is checked with. */
export const DEMO_TRACKS: readonly DemoTrack[] = [
  {
    fileName: '01 Paper Lantern Road.wav',
    title: 'Paper Lantern Road',
    motif: 'lanterns',
    record: recorded(paperLanternRoad, 0.02, 2.5),
  },
  {
    fileName: '07 Metronome.wav',
    title: METRONOME_TITLE,
    motif: 'ticks',
    record: () => {
      const reference = metronomeReference();
      return toPcm16({ left: reference, right: reference }, false);
    },
  },
  {
    fileName: '02 Harbour Before Light.wav',
    title: 'Harbour Before Light',
    motif: 'harbour',
    record: recorded(harbourBeforeLight, 1.5, 4),
  },
  {
    fileName: '03 Late Tram, Window Seat.wav',
    title: 'Late Tram, Window Seat',
    motif: 'tram',
    record: recorded(lateTramWindowSeat, 0.02, 3),
  },
  {
    fileName: '04 Pocket Comet.wav',
    title: 'Pocket Comet',
    motif: 'comet',
    record: recorded(pocketComet, 0.02, 1.5),
  },
  {
    fileName: '05 Nine Wooden Stairs.wav',
    title: 'Nine Wooden Stairs',
    motif: 'stairs',
    record: recorded(nineWoodenStairs, 0.02, 2.5),
  },
  {
    fileName: '06 Waltz for an Empty Ballroom.wav',
    title: 'Waltz for an Empty Ballroom',
    motif: 'ballroom',
    record: recorded(waltzForAnEmptyBallroom, 0.02, 3),
  },
];

/** The whole file of `track`: samples, tags and cover. */
export function renderDemoTrack(track: DemoTrack): Buffer {
  return wavFile(track.record(), track.motif === 'ticks' ? METRONOME.sampleRate : SAMPLE_RATE, {
    title: track.title,
    artist: DEMO_ARTIST,
    album: DEMO_ALBUM,
    trackNumber: Number.parseInt(track.fileName, 10),
    coverPng: paintCover(track.motif),
  });
}
