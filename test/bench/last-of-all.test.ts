// When a message counts as heard by all.
import { describe, expect, it } from 'vitest';
import { LastOfAll } from '../../bench/last-of-all.ts';
import { Heard } from '../../bench/heard.ts';

const frame = (...numbers: number[]): Buffer =>
  Buffer.from(numbers.map((seq) => `{"seq":${seq}}`).join(','));

describe('the last of all listeners', () => {
  it('counts from when a message was to be said, by the listener who hears it last', () => {
    const heard = new Heard();
    const [a, b] = [heard.ear(), heard.ear()];
    a(frame(1));
    b(frame(1));
    let now = 0;
    const ofAll = new LastOfAll(2, heard.newest);
    heard.follow((seq) => ofAll.hear(seq, now));
    ofAll.say(100);
    ofAll.say(105);
    now = 110;
    a(frame(2, 3));
    expect(ofAll.afterMs).toEqual([]);
    now = 112;
    b(frame(2));
    now = 130;
    b(frame(3));
    expect(ofAll.afterMs).toEqual([12, 25]);
  });

  it('counts a listener once who hears a message twice', () => {
    const heard = new Heard();
    const ofAll = new LastOfAll(2, 0);
    heard.follow((seq) => ofAll.hear(seq, 5));
    ofAll.say(0);
    const ear = heard.ear();
    ear(frame(1));
    ear(frame(1));
    expect(ofAll.afterMs).toEqual([]);
  });

  it('hears nothing any more that nobody follows', () => {
    const heard = new Heard();
    const ofAll = new LastOfAll(1, 0);
    heard.follow((seq) => ofAll.hear(seq, 5));
    heard.follow(undefined);
    ofAll.say(0);
    heard.ear()(frame(1));
    expect(ofAll.afterMs).toEqual([]);
    expect(heard.newest).toBe(1);
  });
});
