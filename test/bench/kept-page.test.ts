// What a page of results keeps of the one before it.
import { expect, test } from 'vitest';
import { keepBefore } from '../../bench/kept-page.ts';

const BEFORE = `# Results

Of all.

## Goals

| goal | measured | verdict |
|---|---|---|
| curves are flat | 0.29 | MISSED |
| a drain loses nothing | 1.00 | MISSED |

## Machines

- curves, drain: an old machine

## Versions

- ws 8

## When

| bench | when |
|---|---|
| curves | began long ago |
| drain | began long ago |
| soak | not run |

## Curves

![a plot](results/curves.svg)

## In operation

### A drain

lost 1

### A soak

grew

## \`bench:clock\`

in step
`;

/** Only a drain was run. */
const NOW = `# Results

Of all.

## Goals

| goal | measured | verdict |
|---|---|---|
| curves are flat | – | not measured |
| a drain loses nothing | 0.00 | met |
| a goal that is new | – | not measured |

## Machines

- drain: a new machine

## When

| bench | when |
|---|---|
| curves | not run |
| drain | began today |
| soak | not run |

## In operation

### A restart

ready

### A drain

lost 0

## \`bench:join\`

joined
`;

test('what no report tells stays as the page had it, each in its place', () => {
  expect(keepBefore(NOW, BEFORE)).toBe(`# Results

Of all.

## Goals

| goal | measured | verdict |
|---|---|---|
| curves are flat | 0.29 | MISSED |
| a drain loses nothing | 0.00 | met |
| a goal that is new | – | not measured |

## Machines

- curves: an old machine
- drain: a new machine

## Versions

- ws 8

## When

| bench | when |
|---|---|
| curves | began long ago |
| drain | began today |
| soak | not run |

## Curves

![a plot](results/curves.svg)

## In operation

### A restart

ready

### A drain

lost 0

### A soak

grew

## \`bench:join\`

joined

## \`bench:clock\`

in step
`);
});

test('a page that tells all takes the place of the one before it', () => {
  expect(keepBefore(NOW, NOW)).toBe(NOW);
  expect(keepBefore(BEFORE, '')).toBe(BEFORE);
});

test('a bench that ran again is told of the machine on which it ran last', () => {
  const all = NOW.replace('- drain: a new machine', '- curves, drain: a new machine');
  const page = keepBefore(all, BEFORE);
  expect(page).toContain('- curves, drain: a new machine');
  expect(page).not.toContain('an old machine');
  const same = NOW.replace('a new machine', 'an old machine');
  expect(keepBefore(same, BEFORE)).toContain('- curves, drain: an old machine');
});
