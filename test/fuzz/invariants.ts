// What must hold whatever was put in, of any target.
import assert from 'node:assert/strict';

/** No input has reached what all objects inherit. */
export function nothingPolluted(): void {
  const reached: string[] = [];
  for (const key in {}) reached.push(key);
  assert.deepEqual(reached, [], 'a prototype was written to');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.equal(([] as unknown as Record<string, unknown>)['polluted'], undefined);
}

/** What is told apart: words without what the input chose. */
export function inShort(text: string): string {
  return (
    text
      // To the last quote: what the input chose may have some of its own.
      .replace(/["“][^]*["”]/, '"…"')
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .replaceAll(/\d+/g, '#')
      .slice(0, 60)
  );
}
