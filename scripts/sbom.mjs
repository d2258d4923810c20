// Prints a CycloneDX document of what is delivered: of npm's own, made of the whole lockfile, what the service needs, and what is built into
// its page. npm's `--omit dev` would leave out whatever a tool of development needs as well.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Packages of which the build makes a part of `dist`: nothing else that is for development alone is delivered. */
const BUILT_IN = ['preact', '@preact/signals', 'swagger-ui-dist', 'uqr'];

const { status, stdout } = spawnSync(
  'npm',
  ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'],
  {
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
if (status !== 0) process.exit(status ?? 1);
const document = JSON.parse(stdout);
const { name } = JSON.parse(readFileSync('package.json', 'utf8'));
const { component } = document.metadata;
// npm takes the folder's name for it.
component.name = name;

const isBuiltIn = ({ name: own }) => BUILT_IN.includes(own);
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
// By the lockfile: of a package that lies in several places npm's document has one of them, which may be the one for development.
const delivered = new Set(
  Object.entries(packages)
    .filter(([place, { dev }]) => place !== '' && dev !== true)
    .map(
      ([place, { name: own = place.split('node_modules/').at(-1), version }]) =>
        `${own}@${version}`,
    ),
);
const needed = document.components.filter(isBuiltIn).map((each) => each['bom-ref']);
const needs = new Map(document.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
for (let ref = needed.pop(); ref !== undefined; ref = needed.pop()) {
  if (delivered.has(ref)) continue;
  delivered.add(ref);
  needed.push(...(needs.get(ref) ?? []));
}
document.components = document.components.filter((each) => delivered.has(each['bom-ref']));
document.dependencies = document.dependencies
  .filter(({ ref }) => delivered.has(ref) || ref === component['bom-ref'])
  .map(({ ref, dependsOn }) => ({
    ref,
    dependsOn: dependsOn.filter((each) => delivered.has(each)),
  }));
process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
