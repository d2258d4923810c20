// "Paper Lantern Road": a fingerpicked guitar with a second one singing above it. G major, 92 beats a minute.
import { shaker } from '../drums.ts';
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, line } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { bass, pluck } from '../voices.ts';

const BEAT = 60 / 92;
const BAR_BEATS = 4;

// From the bass string up: bass, the bass's fifth or third, then three strings.
const SHAPES: Readonly<Record<string, string>> = {
  G: 'G2 D3 G3 B3 D4',
  'D/F#': 'F#2 D3 A3 D4 F#4',
  Em: 'E2 B2 G3 B3 E4',
  C: 'C3 G3 C4 D4 G4',
  'G/B': 'B2 G3 B3 D4 G4',
  Am: 'A2 E3 G3 C4 E4',
  D: 'D3 A3 D4 F#4 A4',
  Dsus: 'D3 A3 D4 G4 A4',
};
const VERSE = ['G', 'D/F#', 'Em', 'C', 'G', 'D/F#', 'Am', 'D'];
const BRIDGE = ['C', 'G/B', 'Am', 'Em', 'C', 'G/B', 'Dsus', 'D'];
const BARS = ['G', 'D/F#', 'Em', 'C', ...VERSE, ...BRIDGE, 'C', 'G'];
// Which string each eighth note plucks.
const PATTERN = [0, 3, 2, 4, 1, 3, 2, 4];

const MELODY = line(`-:16
  | B4:1.5 D5:.5 G5:1 F#5:1 | E5:1 F#5:.5 D5:1.5 A4:1 | B4:1.5 G4:.5 E5:1 D5:1 | C5:1 D5:.5 E5:1.5 -:1
  | D5:1 G5:1 A5:.5 B5:.5 G5:1 | F#5:1.5 E5:.5 D5:2 | C5:1 E5:1 A5:1 G5:1 | F#5:1 E5:.5 F#5:.5 D5:2
  | E5:1.5 G5:.5 C6:1 B5:1 | D5:1.5 G5:.5 B5:1 A5:1 | C5:1 E5:1 G5:1 A5:.5 G5:.5 | E5:2 B4:1 G5:1
  | E5:1 G5:1 C6:.5 D6:.5 C6:1 | B5:1 G5:1 D5:1 B4:1 | A4:1 D5:1 G5:2 | F#5:1 E5:1 D5:1 A4:1
  | G4:1 C5:1 E5:1 G5:1 | G5:4`);

export function paperLanternRoad(): Stereo {
  const random = createRandom(23);
  const mixer = new Mixer(BARS.length * BAR_BEATS * BEAT + 2.2);
  for (const [bar, name] of BARS.entries()) {
    const strings = chord(SHAPES[name] ?? '');
    const start = bar * BAR_BEATS * BEAT;
    const isLast = bar === BARS.length - 1;
    for (const [step, string] of (isLast ? [0, 1, 2, 3, 4] : PATTERN).entries()) {
      const velocity = (step % 4 === 0 ? 0.78 : 0.55) + 0.12 * random();
      const tone = { hz: strings[string] ?? 0, seconds: isLast ? 5 : 1.9, velocity, random };
      const at = isLast ? start + step * 0.07 : start + step * 0.5 * BEAT + 0.008 * random();
      mixer.add(pluck(tone), at, {
        gain: string === 0 ? 0.3 : 0.24,
        pan: -0.25 + 0.08 * string,
        reverb: 0.3,
      });
    }
    if (bar >= 4) {
      const lowest = strings[0] ?? 0;
      const root = { hz: lowest > 120 ? lowest / 2 : lowest, velocity: 0.55, random };
      mixer.add(bass({ ...root, seconds: 1.6 * BEAT }), start, { gain: 0.13, reverb: 0.05 });
      if (!isLast)
        mixer.add(bass({ ...root, seconds: 0.9 * BEAT }), start + 2.5 * BEAT, {
          gain: 0.09,
          reverb: 0.05,
        });
    }
    if (bar >= 8 && !isLast) {
      for (let step = 0; step < 8; step += 1) {
        const gain = step % 4 === 2 ? 0.1 : 0.05;
        mixer.add(shaker(random), start + step * 0.5 * BEAT, { gain, pan: 0.4, reverb: 0.2 });
      }
    }
  }
  for (const note of MELODY) {
    const tone = {
      hz: note.hz,
      seconds: note.beats * BEAT + 0.5,
      velocity: 0.82 + 0.12 * random(),
      random,
    };
    const at = note.beat * BEAT + 0.012 * random();
    mixer.addWithEcho(
      pluck(tone),
      at,
      { gain: 0.3, pan: 0.3, reverb: 0.45 },
      { seconds: BEAT * 0.75, feedback: 0.4, gain: 0.2 },
    );
  }
  return mixer.mixDown(0.78);
}
