// What the build needs enters the image: `npm run try:image -- --built`, which CI runs, takes the dist/ that is there and would not notice.
// What is taken out of it again is nothing that must stay.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const read = (file: string): string => readFileSync(file, 'utf8');
const json = (file: string): unknown => JSON.parse(read(file));

/** Of the stage that builds, from this folder. */
const copied = (/^FROM \w+ AS build$([^]*?)^FROM /m.exec(read('Dockerfile'))?.[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('COPY '))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));
const isCopied = (file: string): boolean =>
  copied.some((each) => file === each || file.startsWith(`${each}/`)) && !file.endsWith('.test.ts');

/** The commands of a script of package.json, with those of the scripts that it runs in its place. */
function commandsOf(script: string): readonly string[] {
  const { scripts } = json('package.json') as { scripts: Record<string, string> };
  return (scripts[script] ?? '').split(' && ').flatMap((command) => {
    const [, inner] = /^npm run (\S+)$/.exec(command) ?? [];
    return inner === undefined ? [command] : commandsOf(inner);
  });
}

/** What a command reads of this folder; an unknown one is a reason to write here what it reads. */
function filesOf(command: string): readonly string[] {
  if (command === 'vite build') return ['vite.config.ts', 'src/web'];
  const [, project] = /^tsc -p (\S+)$/.exec(command) ?? [];
  if (project === undefined) throw new Error(`what does this read: ${command}?`);
  const { include } = json(project) as { include: readonly string[] };
  return [project, ...include];
}

function extendedBy(file: string): readonly string[] {
  const { extends: base } = json(file) as { extends?: string };
  if (base === undefined) return [];
  const other = path.normalize(base);
  return [other, ...extendedBy(other)];
}

it('what `npm run build` reads is copied into the stage that runs it, and .dockerignore lets it in', () => {
  const files = commandsOf('build').flatMap(filesOf);
  const projects = [...files.filter((file) => file.endsWith('.json')), 'tsconfig.json'];
  const needed = [...files, ...projects.flatMap(extendedBy), 'package.json', 'package-lock.json'];
  expect(needed.length).toBeGreaterThan(8);
  expect(needed.filter((file) => !isCopied(file))).toEqual([]);
  const ignored = read('.dockerignore').split('\n');
  expect(copied.filter((file) => !existsSync(file) || !ignored.includes(`!${file}`))).toEqual([]);
});

it('what its sources import is copied with them', () => {
  const missing: string[] = [];
  let seen = 0;
  for (const folder of copied.filter((each) => statSync(each).isDirectory()))
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(folder, name);
      if (!/\.tsx?$/.test(file) || !isCopied(file)) continue;
      for (const [, target = ''] of read(file).matchAll(/(?:from |import |import\()'(\.[^']+)'/g)) {
        seen += 1;
        const wanted = path.join(path.dirname(file), target);
        if (!isCopied(wanted) || !existsSync(wanted)) missing.push(`${file}: ${target}`);
      }
    }
  expect(missing).toEqual([]);
  expect(seen).toBeGreaterThan(1_000);
});

it('of the dependencies the terms stay, whatever they are written in, and what only people read goes', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'earshot-prune-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const own = path.join(dir, 'a', 'node_modules', 'b');
  mkdirSync(own, { recursive: true });
  const stays = [
    'COPYING',
    'LICENSE-MIT.md',
    'LICENSE.md',
    'NOTICE.markdown',
    'index.js',
    'licence.md',
    'package.json',
  ];
  const goes = ['README.md', 'CHANGELOG.md', 'sublicense.md', 'index.d.ts', 'index.js.map'];
  for (const folder of [path.join(dir, 'a'), own])
    for (const name of [...stays, ...goes]) writeFileSync(path.join(folder, name), '');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/prune-dependencies.mjs', dir], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(readdirSync(own).sort()).toEqual(stays);
  expect(readdirSync(path.join(dir, 'a')).sort()).toEqual([...stays, 'node_modules'].sort());
});

it('each package whose terms are in the dependencies has them in the image as well', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { dev?: boolean }>;
  };
  const terms = Object.entries(packages)
    .filter(([folder, { dev }]) => folder !== '' && dev !== true && existsSync(folder))
    .flatMap(([folder]) => readdirSync(folder))
    .filter((name) => /licen[cs]e|copying/i.test(name) && /\.(?:md|markdown)$/i.test(name));
  expect(terms.length).toBeGreaterThan(5);
  expect(terms.filter((name) => !/^(?:licen[cs]e|notice|copying)/i.test(name))).toEqual([]);
});
