// "Late Tram, Window Seat": an electric piano in late-night chords over a swung beat. F minor, 80 beats a minute.
import { hat, kick, rim } from '../drums.ts';
import { Mixer } from '../mixer.ts';
import type { Stereo } from '../stereo.ts';
import { chord, hzOf, line } from '../pitch.ts';
import { createRandom } from '../random.ts';
import { bass, electricPiano } from '../voices.ts';

const BEAT = 60 / 80;
const BAR = 4 * BEAT;
/** Where the second eighth of a beat falls. */
const SWING = 0.62;

const CHORDS: Readonly<
  Record<string, { readonly root: string; readonly voicing: string; readonly walk: string }>
> = {
  Fm9: { root: 'F1', voicing: 'Ab3 C4 Eb4 G4', walk: 'C2' },
  Bbm9: { root: 'Bb1', voicing: 'Ab3 C4 Db4 F4', walk: 'F2' },
  Eb13: { root: 'Eb2', voicing: 'G3 C4 Db4 F4', walk: 'Bb1' },
  Abmaj9: { root: 'Ab1', voicing: 'G3 Bb3 C4 Eb4', walk: 'Eb2' },
  Dbmaj9: { root: 'Db2', voicing: 'F3 Ab3 C4 Eb4', walk: 'Ab1' },
  Gm7b5: { root: 'G1', voicing: 'F3 Bb3 Db4 G4', walk: 'Db2' },
  C7: { root: 'C2', voicing: 'E3 Bb3 Db4 Ab4', walk: 'G1' },
};
const ROUND = ['Fm9', 'Bbm9', 'Eb13', 'Abmaj9', 'Dbmaj9', 'Gm7b5', 'C7', 'Fm9'];
const BARS = ['Fm9', 'Dbmaj9', ...ROUND, ...ROUND];

const MELODY = line(`-:40
  | -:1 C5:.62 Eb5:.38 G5:1.5 F5:.5 | Eb5:1 Db5:.62 C5:.38 Ab4:2 | -:.62 Bb4:.38 C5:.62 Db5:.38 F5:1 G5:1 | Eb5:2.62 C5:.38 Bb4:1
  | -:1 Ab4:.62 C5:.38 Eb5:1 F5:1 | Db5:1.62 F5:.38 Bb5:1 Ab5:1 | G5:1 E5:.62 Db5:.38 Bb4:1 C5:1 | Ab4:1 G4:3`);

export function lateTramWindowSeat(): Stereo {
  const random = createRandom(37);
  const mixer = new Mixer(BARS.length * BAR + 2);
  const comp = (bar: number, beat: number, seconds: number, velocity: number) => {
    for (const [voice, hz] of chord(CHORDS[BARS[bar] ?? '']?.voicing ?? '').entries()) {
      const tone = { hz, seconds, velocity: velocity + 0.08 * random(), random };
      const at = bar * BAR + beat * BEAT + 0.006 * voice + 0.006 * random();
      mixer.add(electricPiano(tone), at, { gain: 0.15, pan: (voice - 1.5) * 0.3, reverb: 0.3 });
    }
  };
  for (const [bar, name] of BARS.entries()) {
    const isLast = bar === BARS.length - 1;
    comp(bar, 0, isLast ? 4.5 : 1.6 * BEAT, 0.6);
    if (isLast) continue;
    comp(bar, 1 + SWING, 0.5 * BEAT, 0.45);
    if (bar % 2 === 1) comp(bar, 3, 0.8 * BEAT, 0.5);
    if (bar < 2) continue;
    playRhythm(bar, name);
  }
  for (const note of MELODY) {
    const tone = {
      hz: note.hz,
      seconds: note.beats * BEAT * 0.95,
      velocity: 0.74 + 0.12 * random(),
      random,
    };
    const placement = { gain: 0.24, pan: 0.12, reverb: 0.4 };
    mixer.addWithEcho(electricPiano(tone), note.beat * BEAT, placement, {
      seconds: BEAT * 1.5,
      feedback: 0.35,
      gain: 0.22,
    });
  }
  const end = hzOf('F1');
  mixer.add(bass({ hz: end, seconds: 3.5, velocity: 0.7, random }), (BARS.length - 1) * BAR, {
    gain: 0.3,
    reverb: 0.05,
  });
  return mixer.mixDown(0.76);

  function playRhythm(bar: number, name: string): void {
    const { root, walk } = CHORDS[name] ?? { root: 'F1', walk: 'C2' };
    const start = bar * BAR;
    const low = (note: string, beat: number, beats: number, velocity: number) =>
      mixer.add(
        bass({ hz: hzOf(note), seconds: beats * BEAT, velocity, random }),
        start + beat * BEAT,
        { gain: 0.25, reverb: 0.04 },
      );
    low(root, 0, 1.4, 0.75);
    low(root, 1 + SWING, 0.6, 0.5);
    low(walk, 2.5, 1, 0.65);
    for (const beat of [0, 1 + SWING, 2.5]) {
      mixer.add(kick(), start + beat * BEAT, { gain: beat === 0 ? 0.34 : 0.24, reverb: 0.03 });
    }
    for (const beat of [1, 3])
      mixer.add(rim(random), start + beat * BEAT, { gain: 0.15, pan: 0.2, reverb: 0.35 });
    for (let beat = 0; beat < 4; beat += 1) {
      mixer.add(hat(random, false), start + beat * BEAT, { gain: 0.05, pan: -0.35, reverb: 0.15 });
      const isOpen = bar % 4 === 1 && beat === 3;
      mixer.add(hat(random, isOpen), start + (beat + SWING) * BEAT, {
        gain: 0.035 + 0.02 * random(),
        pan: -0.35,
        reverb: 0.15,
      });
    }
  }
}
