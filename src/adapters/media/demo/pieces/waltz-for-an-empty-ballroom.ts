// "Waltz for an Empty Ballroom": strings over plucked chords, slow, in three. D minor, 92 beats a minute.
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, hzOf, line } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { bell, pluck, strings } from '../voices.ts';

const BEAT = 60 / 92;
const BAR = 3 * BEAT;

const CHORDS: Readonly<Record<string, { readonly low: string; readonly upper: string }>> = {
  Dm: { low: 'D2', upper: 'F3 A3 D4' },
  'A7/C#': { low: 'C#3', upper: 'G3 A3 E4' },
  'D7/C': { low: 'C3', upper: 'F#3 A3 D4' },
  'Gm/Bb': { low: 'Bb2', upper: 'G3 Bb3 D4' },
  'Dm/A': { low: 'A2', upper: 'F3 A3 D4' },
  E7: { low: 'E2', upper: 'G#3 B3 D4' },
  A7: { low: 'A2', upper: 'G3 C#4 E4' },
  Gm: { low: 'G2', upper: 'G3 Bb3 D4' },
  C7: { low: 'C3', upper: 'G3 Bb3 E4' },
  F: { low: 'F2', upper: 'F3 A3 C4' },
  Bb: { low: 'Bb2', upper: 'F3 Bb3 D4' },
  Gm6: { low: 'G2', upper: 'G3 Bb3 E4' },
};
const FIRST = ['Dm', 'A7/C#', 'D7/C', 'Gm/Bb', 'Dm/A', 'E7', 'A7', 'A7'];
const SECOND = ['Gm', 'C7', 'F', 'Bb', 'Gm6', 'A7', 'Dm', 'Dm'];
const BARS = ['Dm', 'Dm', ...FIRST, ...SECOND, ...SECOND];

const FIRST_LINE = `A4:2 D5:1 | C#5:2 E5:1 | D5:1 F#5:1 A5:1 | G5:3 | F5:2 E5:.5 D5:.5 | D5:1 B4:1 G#4:1 | A4:3 | -:1 A4:1 C#5:1`;
const SECOND_LINE = `D5:2 Bb5:1 | A5:1 G5:1 E5:1 | F5:2 C5:1 | D5:2 F5:1 | E5:1 D5:1 Bb4:1 | A4:1 C#5:1 E5:1 | D5:3 | -:1 D5:1 F5:1`;
const LAST_LINE = `G5:2 D6:1 | C6:1 Bb5:1 G5:1 | A5:2 F5:1 | D5:1 F5:1 Bb5:1 | G5:1 E5:1 D5:1 | C#5:1 E5:1 G5:1 | F5:1.5 E5:.5 D5:1 | D5:3`;
const MELODY = line(`-:6 | ${FIRST_LINE} | ${SECOND_LINE} | ${LAST_LINE}`);
const COUNTER = line(`-:30 | Bb4:3 | G4:3 | A4:3 | F4:3 | G4:2 E4:1 | G4:3 | F4:3 | A4:3
  | Bb4:1 D5:2 | E5:1 G4:2 | C5:3 | Bb4:3 | Bb4:2 G4:1 | A4:3 | A4:3 | F4:3`);

export function waltzForAnEmptyBallroom(): Stereo {
  const random = createRandom(97);
  const seconds = BARS.length * BAR + 3;
  const mixer = new Mixer(seconds);
  // The beat breathes: the second of each bar comes a little early, as waltzes have it.
  const at = (beat: number) => {
    const inBar = beat % 3;
    return beat * BEAT - (inBar >= 1 && inBar < 2 ? 0.02 : 0);
  };
  for (const [bar, name] of BARS.entries()) {
    const { low, upper } = CHORDS[name] ?? { low: 'D2', upper: 'F3 A3 D4' };
    const isLast = bar === BARS.length - 1;
    const held = isLast ? BAR + 1.2 : BAR * 0.95;
    mixer.add(strings({ hz: hzOf(low), seconds: held, velocity: 0.6, random }), bar * BAR, {
      gain: 0.25,
      pan: 0.3,
      reverb: 0.35,
    });
    mixer.add(pluck({ hz: hzOf(low), seconds: 1.5, velocity: 0.6, random }), bar * BAR, {
      gain: 0.25,
      pan: -0.1,
      reverb: 0.35,
    });
    for (const [index, hz] of chord(upper).entries()) {
      const pan = (index - 1) * 0.35;
      for (const beat of isLast ? [1] : [1, 2]) {
        const tone = {
          hz,
          seconds: isLast ? 2.5 : 0.7,
          velocity: beat === 1 ? 0.55 : 0.45,
          random,
        };
        mixer.add(pluck(tone), at(bar * 3 + beat) + index * 0.012, {
          gain: 0.17,
          pan,
          reverb: 0.4,
        });
      }
      if (bar >= 10) {
        const tone = { hz, seconds: held, velocity: 0.3, random };
        mixer.add(strings(tone), bar * BAR, { gain: 0.09, pan: -pan, reverb: 0.5 });
      }
    }
  }
  const lastBeat = MELODY.at(-1)?.beat;
  for (const note of MELODY) {
    const isHeld = note.beat === lastBeat;
    const seconds = note.beats * BEAT * 0.97 + (isHeld ? 1.2 : 0);
    const voice = strings({ hz: note.hz, seconds, velocity: 0.72 + 0.08 * random(), random });
    mixer.add(voice, at(note.beat), { gain: 0.3, pan: -0.3, reverb: 0.5 });
    const chimes = bell({ hz: note.hz * 2, seconds: 0.6, velocity: 0.35, random });
    if (note.beat >= 54) mixer.add(chimes, at(note.beat), { gain: 0.045, pan: 0.4, reverb: 0.7 });
  }
  for (const note of COUNTER) {
    const voice = strings({
      hz: note.hz,
      seconds: note.beats * BEAT * 0.97,
      velocity: 0.5,
      random,
    });
    mixer.add(voice, at(note.beat), { gain: 0.16, pan: 0.45, reverb: 0.5 });
  }
  return mixer.mixDown(0.86);
}
