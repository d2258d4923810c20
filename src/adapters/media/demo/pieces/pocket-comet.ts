// "Pocket Comet": a bright tune for two pulse waves, a triangle and noise. A minor and C major, 138 beats a minute.
import { hat, kick, snare } from '../drums.ts';
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, line } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { pulse, triangle } from '../voices.ts';

const BEAT = 60 / 138;
const BAR = 4 * BEAT;

const TRIADS: Readonly<Record<string, string>> = {
  Am: 'A3 C4 E4',
  F: 'F3 A3 C4',
  C: 'C4 E4 G4',
  G: 'G3 B3 D4',
  Em: 'E3 G3 B3',
  E: 'E3 G#3 B3',
};
const TUNE = ['Am', 'F', 'C', 'G', 'Am', 'F', 'G', 'E'];
const LIFT = ['F', 'G', 'Em', 'Am', 'F', 'G', 'C', 'E'];
const CLOSE = ['F', 'G', 'Am', 'Am'];
const BARS = ['Am', 'Am', ...TUNE, ...LIFT, ...TUNE, ...CLOSE];

const TUNE_LINE = `A4:.5 C5:.5 E5:1 D5:.5 C5:.5 B4:.5 C5:.5 | A4:1.5 C5:.5 F5:1 E5:.5 D5:.5 | E5:.5 G5:1 E5:.5 C5:1 D5:.5 E5:.5
  | D5:1.5 B4:.5 G4:1 -:1 | A4:.5 C5:.5 E5:1 A5:.5 G5:.5 E5:.5 G5:.5 | F5:1.5 E5:.5 D5:.5 C5:.5 A4:1 | B4:.5 C5:.5 D5:1 G5:1 F5:.5 D5:.5 | E5:2 -:.5 G#4:.5 B4:.5 E5:.5`;
const LIFT_LINE = `C6:1 A5:.5 F5:.5 A5:1 C6:1 | B5:1.5 A5:.5 G5:2 | G5:.5 B5:.5 E6:1 D6:.5 B5:.5 G5:1 | A5:3 -:1
  | A5:.5 C6:.5 F6:1 E6:.5 C6:.5 A5:1 | B5:.5 D6:.5 G6:1 F6:.5 D6:.5 B5:1 | E6:1.5 D6:.5 C6:1 G5:1 | B5:1 G#5:1 E5:1 -:1`;
const CLOSE_LINE =
  'F5:.5 A5:.5 C6:1 B5:.5 A5:.5 F5:1 | G5:.5 B5:.5 D6:1 C6:.5 B5:.5 G5:1 | A5:1 E5:.5 C5:.5 A4:2 | A4:.5 E5:.5 A5:3';
const LEAD = line(`-:8 | ${TUNE_LINE} | ${LIFT_LINE} | ${TUNE_LINE} | ${CLOSE_LINE}`);

export function pocketComet(): Stereo {
  const random = createRandom(53);
  const mixer = new Mixer(BARS.length * BAR + 1.6);
  const [lead, harmony] = [pulse(0.25), pulse(0.5)];
  for (const [bar, name] of BARS.entries()) {
    const [root = 220, third = 262, fifth = 330] = chord(TRIADS[name] ?? '');
    const start = bar * BAR;
    const isLast = bar === BARS.length - 1;
    const steps = [root, third, fifth, root * 2];
    for (let step = 0; step < 16; step += 1) {
      const hz = steps[(step + (step >> 2)) % 4] ?? root;
      const velocity = (step % 4 === 0 ? 0.7 : 0.5) * (isLast ? 1 - step / 16 : 1);
      const tone = { hz, seconds: BEAT * 0.2, velocity, random };
      mixer.add(harmony(tone), start + step * 0.25 * BEAT, {
        gain: 0.11,
        pan: step % 2 === 0 ? -0.45 : 0.45,
        reverb: 0.15,
      });
    }
    if (bar < 2) continue;
    for (let step = 0; step < (isLast ? 1 : 8); step += 1) {
      const hz = (step % 4 === 3 ? fifth : root) / (root > 200 ? 4 : 2);
      const tone = {
        hz,
        seconds: isLast ? 1.5 : BEAT * 0.42,
        velocity: step % 2 === 0 ? 0.8 : 0.6,
        random,
      };
      mixer.add(triangle(tone), start + step * 0.5 * BEAT, { gain: 0.15, reverb: 0.04 });
    }
    if (isLast) continue;
    for (const beat of [0, 2, 2.5])
      mixer.add(kick(), start + beat * BEAT, { gain: 0.19, reverb: 0.03 });
    for (const beat of [1, 3])
      mixer.add(snare(random), start + beat * BEAT, { gain: 0.14, reverb: 0.2 });
    for (let step = 0; step < 8; step += 1) {
      mixer.add(hat(random, step === 7), start + step * 0.5 * BEAT, {
        gain: 0.045,
        pan: 0.3,
        reverb: 0.1,
      });
    }
  }
  for (const note of LEAD) {
    const tone = { hz: note.hz, seconds: note.beats * BEAT * 0.92, velocity: 0.75, random };
    mixer.addWithEcho(
      lead(tone),
      note.beat * BEAT,
      { gain: 0.2, pan: 0.1, reverb: 0.25 },
      { seconds: BEAT * 0.75, feedback: 0.45, gain: 0.3 },
    );
  }
  return mixer.mixDown(0.7);
}
