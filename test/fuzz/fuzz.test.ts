// A short run of what `npm run fuzz` does for long: the kept inputs again, and some new ones; and that it would find what it is there for.
import { describe, expect, it } from 'vitest';
import { fitting, inputOf, lineOf, readCorpus } from './corpus.ts';
import { fuzz, type Target } from './fuzzer.ts';
import { allTargets } from './targets.ts';

const SEED = 20_261_129;
const INPUTS: Readonly<Record<string, number>> = {
  codec: 6_000,
  clock: 6_000,
  'merge-patch': 6_000,
  hub: 400,
  rest: 400,
};

describe.each(allTargets().map((target) => [target.name, target] as const))(
  '%s',
  (name, target) => {
    it('holds for all that was kept, and for what comes new', { timeout: 60_000 }, async () => {
      const corpus = readCorpus(name);
      expect(corpus.length).toBeGreaterThan(0);
      const inputs = INPUTS[name] ?? 0;
      const { executions, findings } = await fuzz(target, corpus, SEED, (done) => done < inputs);
      const told = findings.map(({ input, error }) => `${lineOf(input)}: ${String(error)}`);
      expect(told).toEqual([]);
      expect(executions).toBe(inputs);
    });
  },
);

describe('the fuzzer', () => {
  const plain = (run: (text: string) => string): Target => ({
    name: 'plain',
    seeds: () => [inputOf('{"a":1,"b":"text"}')],
    run: (input) => run(Buffer.from(input).toString('latin1')),
  });

  it('does the same again by the same seed, and something else by another', async () => {
    const runBy = async (seed: number): Promise<string[]> => {
      const seen: string[] = [];
      const target = plain((text) => {
        seen.push(text);
        return String(text.length);
      });
      await fuzz(target, [], seed, (done) => done < 200);
      return seen;
    };
    expect(await runBy(1)).toEqual(await runBy(1));
    expect(await runBy(1)).not.toEqual(await runBy(2));
  });

  it('comes to a fault that lies behind several outcomes, and tells its input', async () => {
    const target = plain((text) => {
      if (!text.includes('__proto__')) return 'plain';
      if (!text.includes('null')) return 'with a prototype';
      if (!text.includes('1e400')) return 'with nothing';
      throw new Error('all three');
    });
    const { findings } = await fuzz(target, [], SEED, (done) => done < 50_000);
    expect(Buffer.from(findings[0]?.input ?? []).toString('latin1')).toContain('1e400');
  });

  it('keeps one input for each outcome, the shortest, however many there are', async () => {
    const met = new Map<string, number>();
    const target = plain((text) => {
      const outcome = String(text.length % 600);
      met.set(outcome, Math.min(met.get(outcome) ?? Infinity, text.length));
      return outcome;
    });
    const { corpus } = await fuzz(target, [], SEED, (done) => done < 20_000);
    expect(corpus.length).toBeGreaterThan(500);
    expect(corpus.map(({ length }) => length)).toEqual([...met.values()]);
  });

  it('writes down those that find place, the shortest first', () => {
    const lines = ['"aaaa"', '"b"', '"cc"'];
    expect(fitting(lines, 9)).toEqual(['"b"', '"cc"']);
    expect(fitting(lines, 16)).toHaveLength(3);
  });

  it('keeps its inputs as they are', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    const line = lineOf(bytes);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(inputOf(JSON.parse(line) as string)).toEqual(bytes);
  });
});
