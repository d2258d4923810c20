// Notes by name and lines of notes in text, in equal temperament at A4 = 440 Hz.

export interface LineNote {
  readonly hz: number;
  /** Where it begins, in beats from the line's start. */
  readonly beat: number;
  readonly beats: number;
}

const SEMITONES: Readonly<Record<string, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** `C4` is 60. Throws for what is no note. */
export function midiOf(name: string): number {
  const match = /^([A-G])([#b]?)(\d)$/u.exec(name);
  const semitone = SEMITONES[match?.[1] ?? ''];
  if (!match || semitone === undefined) throw new RangeError(`${name} is no note`);
  const accidental = match[2] === '#' ? 1 : match[2] === 'b' ? -1 : 0;
  return 12 * (Number(match[3]) + 1) + semitone + accidental;
}

export function hzOfMidi(midi: number): number {
  return 440 * 2 ** ((midi - 69) / 12);
}

export function hzOf(name: string): number {
  return hzOfMidi(midiOf(name));
}

/** Notes apart by spaces: `E5 A5`. */
export function chord(text: string): readonly number[] {
  return text.split(' ').map(hzOf);
}

/** A melody: `E5:1.5 -:.5 A5:2` is a note of one and a half beats, a rest of half a beat, a note of two. `|` is for the eye. */
export function line(text: string): readonly LineNote[] {
  const notes: LineNote[] = [];
  let beat = 0;
  for (const word of text.split(/[\s|]+/u)) {
    if (word === '') continue;
    const [name = '', length = '1'] = word.split(':');
    const beats = Number(length);
    if (name !== '-') notes.push({ hz: hzOf(name), beat, beats });
    beat += beats;
  }
  return notes;
}
