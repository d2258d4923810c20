// The threat model against what there is: the tests that it names, what the service fetches, and what it is made of.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { asyncApi } from '../../protocol/async-api.ts';
import { RestWorld } from '../fuzz/rest-world.ts';
import { call } from '../support/http-calls.ts';

const REFERENCE = /`(test\/[^`]+\.ts)` "([^"]+)"/g;

describe('the threat model', () => {
  const text = readFileSync('docs/security.md', 'utf8');
  const section = text.split('## Threats')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => /^\| (?!who|---)/.test(line));
  const table = rows.filter((line) => !line.startsWith('|---'));

  it('has a test for each line', () => {
    expect(table.length).toBeGreaterThan(25);
    const bare = table.filter((line) => [...line.matchAll(REFERENCE)].length === 0);
    expect(bare).toEqual([]);
  });

  it('names tests that there are', () => {
    const named = [...text.matchAll(REFERENCE)];
    const missing = named.filter(([, file = '', title = '']) => {
      if (!existsSync(file)) return true;
      const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
      return !["'", '"', '`'].some((quote) => source.includes(quote + title + quote));
    });
    expect(missing.map(([reference]) => reference)).toEqual([]);
  });
});

describe('the service', () => {
  it('fetches nothing but from what its operator has named', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/^(?:client|web)\//.test(name))
      .map((name) => path.join('src', name));
    expect(files.length).toBeGreaterThan(100);
    const asking = files.filter((file) => {
      const source = readFileSync(file, 'utf8');
      const calls = /(?<![.\w])fetch\(|\bhttps?\.(?:get|request)\(|\bcreateRemoteJWKSet\(/;
      // A method that is called fetch, in its own declaration, asks nobody.
      const declared = /^\s*(?:readonly\s+)?fetch\(request: Request/gm;
      return calls.test(source.replaceAll(declared, ''));
    });
    expect(asking.sort()).toEqual([
      // Traces go to the collector, and the keys of a login come from there.
      'src/adapters/system/otlp-tracer.ts',
      'src/adapters/system/remote-keys.ts',
      // The image's check of health, which asks the process beside it.
      'src/health-check.ts',
      // A command of the operator's own, which asks the service.
      'src/operator-calls.ts',
    ]);
  });
});

/** Without escapes and classes, in which brackets and stars are but characters. */
function bones(pattern: string): string {
  return pattern.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');
}

/** Whether a group that repeats without end holds something that repeats without end: on such a text may be tried in ever more ways. */
function repeatsRepetition(pattern: string): boolean {
  let rest = bones(pattern);
  for (;;) {
    const inner = /\((?:\?(?:[:=!]|<[=!]|<\w+>))?([^()]*)\)([*+]|\{\d*,\})?/.exec(rest);
    if (inner === null) return false;
    const [whole, body = '', outer] = inner;
    const repeats = /[*+]|\{\d*,\}/.test(body);
    if (repeats && outer !== undefined) return true;
    rest =
      rest.slice(0, inner.index) + (repeats ? 'x+' : 'x') + rest.slice(inner.index + whole.length);
  }
}

describe('what is read from strangers', () => {
  it('has no pattern that repeats what repeats itself', () => {
    expect(repeatsRepetition('^(?:a+)+$')).toBe(true);
    expect(repeatsRepetition('((a|b*)c)+')).toBe(true);
    expect(repeatsRepetition('^(?:[+*]a)+\\(b+\\)+c*$')).toBe(false);
    const found: string[] = [];
    let patterns = 0;
    for (const dir of ['src', 'protocol'])
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.ts') || /^(?:client|web)\//.test(name)) continue;
        const file = path.join(dir, name);
        const look = (node: ts.Node): void => {
          if (ts.isRegularExpressionLiteral(node)) {
            patterns += 1;
            const text = node.text.slice(1, node.text.lastIndexOf('/'));
            if (repeatsRepetition(text)) found.push(`${file}: ${node.text}`);
          }
          ts.forEachChild(node, look);
        };
        look(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
      }
    expect(patterns).toBeGreaterThan(50);
    expect(found).toEqual([]);
  });
});

interface Schema {
  readonly [key: string]: unknown;
}

/** Where, below a schema, there is a text that may be of any length. Values that are listed, and ids of a form, have theirs. */
function unboundedTexts(schema: Schema, where: string, resolve: (ref: string) => Schema): string[] {
  const { $ref, type, maxLength, enum: listed, const: only, format } = schema;
  if (typeof $ref === 'string') return unboundedTexts(resolve($ref), where, resolve);
  const isText = [type].flat().includes('string');
  const isBounded = [maxLength, listed, only].some((limit) => limit !== undefined);
  const found = isText && !isBounded && format !== 'uuid' ? [where] : [];
  const inner = Object.entries(schema).filter(
    ([key]) => !['example', 'enum', 'const'].includes(key),
  );
  return found.concat(
    inner.flatMap(([key, value]) =>
      [value]
        .flat()
        .filter((each): each is Schema => typeof each === 'object' && each !== null)
        .flatMap((each) => unboundedTexts(each, `${where} ${key}`, resolve)),
    ),
  );
}

describe('what strangers send', () => {
  it('has a greatest length for each text, over REST and the socket', async () => {
    const { social } = await RestWorld.create();
    const { body } = await call(social.app, '/openapi.json');
    const documents = [body, asyncApi() as Schema].map((document) => {
      const { schemas } = document['components'] as { readonly schemas: Record<string, Schema> };
      return {
        schemas,
        resolve: (ref: string) => schemas[ref.split('/').at(-1) ?? ''] ?? {},
      };
    });
    const [rest, socket] = documents;
    const operations = Object.entries(body['paths'] as Record<string, Record<string, Schema>>);
    const taken = operations.flatMap(([route, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody = {} }]) => ({
        name: `${method} ${route}`,
        schema: { parameters, requestBody },
      })),
    );
    const requests = Object.entries(socket?.schemas ?? {})
      .filter(([name]) => name.startsWith('request.'))
      .map(([name, schema]) => ({ name, schema }));
    expect([taken.length > 40, requests.length > 20]).toEqual([true, true]);
    const unbounded = [
      ...taken.flatMap(({ name, schema }) => unboundedTexts(schema, name, rest!.resolve)),
      ...requests.flatMap(({ name, schema }) => unboundedTexts(schema, name, socket!.resolve)),
    ];
    expect(unbounded).toEqual([]);
  });
});

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

describe('the dependencies', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
    'dependencies' | 'devDependencies' | 'optionalDependencies',
    Readonly<Record<string, string>>
  >;
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const locked = Object.entries(packages).filter(([name]) => name !== '');

  it('are named by exact versions, and each has its hash', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const named = { ...dependencies, ...devDependencies, ...optionalDependencies };
    const exact = /^(?:npm:[\w.@/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;
    expect(Object.entries(named).filter(([, version]) => !exact.test(version))).toEqual([]);
    expect(locked.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
  });

  it('have licences that let us use and pass them on', () => {
    const free = new Set([
      ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'],
      ...['CC0-1.0', 'BlueOak-1.0.0', 'Zlib', 'PostgreSQL'],
    ]);
    const delivered = locked.filter(([, { dev }]) => dev !== true);
    expect(delivered.length).toBeGreaterThan(100);
    const isFree = (license = 'none'): boolean => {
      const words = license.replaceAll(/[()]/g, '');
      // Of several one may choose, or must keep all.
      return words.includes(' OR ')
        ? words.split(' OR ').some((each) => free.has(each))
        : words.split(' AND ').every((each) => free.has(each));
    };
    const others = delivered.filter(([, { license }]) => !isFree(license));
    expect(others.map(([name, { license }]) => `${name}: ${license}`)).toEqual([]);
  });
});
