// "Harbour Before Light": slow pads over a low D, a few bells, water. Ambient, D lydian, 60 beats a minute.
import { wash } from '../drums.ts';
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, hzOf, line } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { bass, bell, pad } from '../voices.ts';

const SECONDS = 60;
const CHORD_SECONDS = 8;

const CHORDS = [
  { root: 'D2', voicing: 'D3 A3 C#4 E4 F#4' },
  { root: 'B1', voicing: 'B2 F#3 A3 D4 E4' },
  { root: 'G1', voicing: 'G2 D3 B3 F#4 A4' },
  { root: 'A1', voicing: 'A2 E3 B3 D4 F#4' },
  { root: 'E2', voicing: 'E3 B3 D4 F#4 G#4' },
  { root: 'G1', voicing: 'G2 D3 A3 B3 F#4' },
  { root: 'D2', voicing: 'D3 A3 E4 F#4 C#5' },
];

const BELLS = line(`-:8 | -:3 F#5:2 E5:3 | -:2 D5:1 B4:2 A4:3 | -:3 A5:1 F#5:2 E5:2
  | -:2 G#5:2 B5:1 F#5:3 | -:2 E5:1 D5:1 F#5:2 B4:2 | A4:2 E5:2 F#5:2 A5:6`);

export function harbourBeforeLight(): Stereo {
  const random = createRandom(11);
  const mixer = new Mixer(SECONDS);
  for (const [index, { root, voicing }] of CHORDS.entries()) {
    const at = index * CHORD_SECONDS;
    const seconds = CHORD_SECONDS - 0.4;
    for (const [voice, hz] of chord(voicing).entries()) {
      const velocity = 0.55 + 0.06 * index;
      const gain = 0.15 / (1 + 0.12 * voice);
      for (const side of [-1, 1]) {
        const detuned = hz * (1 + side * 0.0011);
        const late = 0.25 * voice + 0.05 * random();
        const tone = { hz: detuned, seconds: seconds - late, velocity, random };
        mixer.add(pad(tone), at + late, { gain, pan: side * (0.35 + 0.1 * voice), reverb: 0.5 });
      }
    }
    const low = bass({ hz: hzOf(root), seconds: 6, velocity: 0.5, random });
    mixer.add(low, at, { gain: 0.2, reverb: 0.1 });
  }
  for (const note of BELLS) {
    const velocity = 0.5 + 0.3 * random();
    const voice = bell({ hz: note.hz, seconds: note.beats, velocity, random });
    const placement = { gain: 0.14, pan: 0.5 - random(), reverb: 0.7 };
    mixer.addWithEcho(voice, note.beat + 0.02 * random(), placement, {
      seconds: 0.75,
      feedback: 0.5,
      gain: 0.35,
    });
  }
  for (let at = 0; at < SECONDS - 6; at += 5.5 + random()) {
    mixer.add(wash(random, 7), at, { gain: 0.3, pan: random() * 1.4 - 0.7, reverb: 0.3 });
  }
  return mixer.mixDown(0.9);
}
