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
  readonly licenses?: readonly unknown[];
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
  const text = execFileSync(process.execPath, ['scripts/sbom.mjs'], { encoding: 'utf8' });
  const { bomFormat, metadata, components } = JSON.parse(text) as {
    readonly bomFormat: string;
    readonly metadata: { readonly component: Component };
    readonly components: readonly Component[];
  };
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
