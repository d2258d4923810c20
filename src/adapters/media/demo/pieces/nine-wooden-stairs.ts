// "Nine Wooden Stairs": two marimbas play one pattern of nine, the second slipping a step further behind every four bars. E dorian.
import { shaker } from '../drums.ts';
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, hzOf } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { bell, marimba, pad } from '../voices.ts';

const STEP = 0.2;
const STEPS = 9;
const BAR = STEP * STEPS;
const BAR_COUNT = 30;
const BARS_PER_SHIFT = 4;

interface Harmony {
  readonly fromBar: number;
  readonly pattern: string;
  readonly lows: string;
  readonly halo: string;
}

const HARMONIES: readonly Harmony[] = [
  { fromBar: 0, pattern: 'E4 B4 G4 D5 E4 A4 B4 F#4 G4', lows: 'E2 B2 E3 G2', halo: 'E4 B4 F#5' },
  { fromBar: 10, pattern: 'E4 C5 G4 D5 E4 A4 C5 F#4 G4', lows: 'C3 G2 C3 E2', halo: 'E4 G4 D5' },
  {
    fromBar: 16,
    pattern: 'E4 C#5 A4 E5 E4 B4 C#5 F#4 A4',
    lows: 'A2 E2 A2 C#3',
    halo: 'E4 A4 C#5',
  },
  { fromBar: 22, pattern: 'E4 B4 G4 D5 E4 A4 B4 F#4 G4', lows: 'E2 B2 E3 G2', halo: 'E4 B4 G5' },
];
// The bass counts the nine as two, two, two and three.
const LOW_STEPS = [0, 2, 4, 6];
// In which order the first bars let the notes of the pattern in.
const ENTRANCE = [0, 3, 6, 1, 4, 7, 2, 5, 8];

export function nineWoodenStairs(): Stereo {
  const random = createRandom(71);
  const mixer = new Mixer(BAR_COUNT * BAR + 2.5);
  const strike = (hz: number, at: number, velocity: number, pan: number, gain: number) => {
    const voice = marimba({ hz, seconds: 0, velocity: velocity + 0.1 * random(), random });
    mixer.add(voice, at + 0.004 * random(), { gain, pan, reverb: 0.35 });
  };
  for (let bar = 0; bar < BAR_COUNT; bar += 1) {
    const harmony = HARMONIES.findLast(({ fromBar }) => fromBar <= bar) ?? HARMONIES[0];
    if (!harmony) break;
    const pattern = chord(harmony.pattern);
    const start = bar * BAR;
    const shift = bar < 6 ? 0 : Math.floor((bar - 2) / BARS_PER_SHIFT);
    const arc = 0.85 + 0.15 * Math.sin((Math.PI * bar) / BAR_COUNT);
    for (let step = 0; step < STEPS; step += 1) {
      if ((ENTRANCE[step] ?? 0) > bar * 3 + 2) continue;
      const accent = step % 3 === 0 ? 0.18 : 0;
      strike(pattern[step] ?? 0, start + step * STEP, 0.5 + accent, -0.55, 0.3 * arc);
      if (bar < 3) continue;
      const shifted = pattern[(step + shift) % STEPS] ?? 0;
      const octave = bar >= 14 && bar < 26 && step % 2 === 1 ? 2 : 1;
      strike(shifted * octave, start + step * STEP, 0.42 + accent, 0.55, 0.24 * arc);
    }
    if (bar >= 4) {
      const lows = chord(harmony.lows);
      for (const [index, step] of LOW_STEPS.entries())
        strike(lows[index] ?? 0, start + step * STEP, 0.6, 0, 0.34);
    }
    if (bar >= 6 && bar % 2 === 0) playHalo(harmony.halo, start);
    if (bar >= 8 && bar < BAR_COUNT - 2) {
      for (let step = 0; step < STEPS; step += 1) {
        const gain = LOW_STEPS.includes(step) ? 0.06 : 0.025;
        mixer.add(shaker(random), start + step * STEP, { gain, pan: -0.15, reverb: 0.2 });
      }
    }
  }
  for (const [index, note] of ['E2', 'B3', 'G4', 'E5'].entries()) {
    strike(hzOf(note), BAR_COUNT * BAR + index * 0.02, 0.6, (index - 1.5) * 0.3, 0.35);
  }
  return mixer.mixDown(0.8);

  function playHalo(notes: string, at: number): void {
    for (const [index, hz] of chord(notes).entries()) {
      const pan = (index - 1) * 0.6;
      const late = index * STEP;
      mixer.add(bell({ hz, seconds: 2, velocity: 0.4, random }), at + late, {
        gain: 0.06,
        pan,
        reverb: 0.6,
      });
      mixer.add(pad({ hz: hz / 2, seconds: 3, velocity: 0.5, random }), at, {
        gain: 0.07,
        pan: -pan,
        reverb: 0.5,
      });
    }
  }
}
