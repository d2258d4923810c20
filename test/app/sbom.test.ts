import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

interface Locked {
  readonly name?: string;
  readonly version: string;
  readonly dev?: boolean;
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly unknown[];
  readonly licenses?: readonly License[];
}

/** CycloneDX: one of a list, a name that is in none, or several as an expression. */
type License =
  | { readonly license: { readonly id?: string; readonly name?: string } }
  | { readonly expression: string };

interface Bill {
  readonly bomFormat: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

const FREE = new Set([
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'],
  ...['CC0-1.0', 'BlueOak-1.0.0', 'Zlib', 'PostgreSQL'],
]);

const bill = JSON.parse(
  execFileSync(process.execPath, ['scripts/sbom.mjs'], { encoding: 'utf8' }),
) as Bill;

const toldOf = (license: License): string =>
  'expression' in license
    ? license.expression
    : (license.license.id ?? license.license.name ?? 'none');

/** Of several one may choose, or must keep all. */
function isFree(licence: string): boolean {
  const words = licence.replaceAll(/[()]/g, '');
  return words.includes(' OR ')
    ? words.split(' OR ').some((each) => FREE.has(each))
    : words.split(' AND ').every((each) => FREE.has(each));
}

/** Every package that the page's own sources name. */
function packagesOfPage(): Set<string> {
  const named = new Set<string>();
  for (const file of readdirSync('src/web', { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file)) continue;
    const text = readFileSync(path.join('src/web', file), 'utf8');
    for (const [, name] of text.matchAll(
      /(?:from |import |import\()'((?:@[^/']+\/)?[^./'][^/']*)/g,
    ))
      if (name !== undefined) named.add(name);
  }
  return named;
}

test('the bill of materials has every package that is delivered, with its hash and licence, and no other', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const { bomFormat, metadata, components } = bill;
  // What is for development alone is delivered where the build puts it into the page.
  const isBuiltIn = (place: string): boolean =>
    /^node_modules\/(?:preact|@preact\/signals(?:-core)?|swagger-ui-dist|@scarf\/scarf|uqr)$/.test(
      place,
    );
  const delivered = Object.entries(packages)
    .filter(([place, { dev }]) => place !== '' && (dev !== true || isBuiltIn(place)))
    // An alias lies under its own name.
    .map(
      ([place, { name, version }]) => `${name ?? place.split('node_modules/').at(-1)}@${version}`,
    );
  const told = components.map(({ purl }) => decodeURIComponent(purl.slice('pkg:npm/'.length)));
  expect(bomFormat).toBe('CycloneDX');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as Locked;
  const purl = `pkg:npm/earshot@${version}`;
  expect(metadata.component).toMatchObject({ name: 'earshot', purl });
  expect([...new Set(told)].sort()).toEqual([...new Set(delivered)].sort());
  const names = new Set(told.map((each) => each.replace(/@[^@]+$/, '')));
  const page = packagesOfPage();
  expect(page.size).toBeGreaterThan(3);
  expect([...page].filter((each) => !names.has(each))).toEqual([]);
  expect(components.filter(({ hashes = [] }) => hashes.length === 0)).toEqual([]);
  expect(components.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([]);
});

test('all that is delivered, with the page and in it, has licences that let us use it and pass it on', () => {
  expect(isFree('GPL-3.0-only')).toBe(false);
  expect(isFree('(MIT AND GPL-3.0-only)')).toBe(false);
  const others = bill.components.flatMap(({ purl, licenses = [] }) => {
    const told = licenses.map(toldOf);
    return told.length > 0 && told.every(isFree) ? [] : `${purl}: ${told.join(', ')}`;
  });
  expect(others).toEqual([]);
});
