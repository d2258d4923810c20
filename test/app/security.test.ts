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

/** What can be said of a part of a pattern. What repeats without end is told by the characters that a round of it may begin with. */
interface Part {
  readonly mayBeEmpty: boolean;
  readonly firsts: readonly string[];
  /** What repeats at its beginning, with nothing that must be there before it; and at its end. */
  readonly heads: readonly (readonly string[])[];
  readonly tails: readonly (readonly string[])[];
  readonly repeats: boolean;
}

const NOTHING: Part = { mayBeEmpty: true, firsts: [], heads: [], tails: [], repeats: false };
const PLACE = /\^|\$|\\b|\\k<\w+>|\\[1-9]/iy;
const GROUP = /\((\?(?:[=!]|<[=!]))?(?:\?(?::|<\w+>))?/y;
const CHARACTER = /\[(?:\\.|[^\\\]])*\]|\\(?:[pu]\{[^}]*\}|u[\da-f]{4}|x[\da-f]{2}|.)|[^|)]/iy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,)?(\d*)\})\??/y;
const SAMPLES = [
  ...Array.from({ length: 0x250 }, (_, code) => String.fromCodePoint(code)),
  ...Array.from('\u0301\u0416\u05d0\u200b\u2028\u20ac\u4e2d\ufeff😀'),
];

/**
 * Reads a pattern for what a text can be tried on in ever more ways: what repeats without end and holds what does so, and two that repeat
 * without end, can take the same, and have nothing between them that must be there.
 */
class PatternReader {
  readonly #pattern: string;
  readonly #flags: string;
  #at = 0;
  repeatsRepetition = false;
  repeatsBesideRepetition = false;

  /** @param literal with its slashes and flags */
  constructor(literal: string) {
    const end = literal.lastIndexOf('/');
    this.#pattern = literal.slice(1, end);
    this.#flags = literal.slice(end + 1).replaceAll(/[gy]/g, '');
    this.#choice();
    if (this.#at < this.#pattern.length) throw new Error(`not understood: ${literal}`);
  }

  #choice(): Part {
    const rows = [this.#row()];
    while (this.#taken(/\|/y) !== null) rows.push(this.#row());
    return {
      mayBeEmpty: rows.some(({ mayBeEmpty }) => mayBeEmpty),
      firsts: rows.flatMap(({ firsts }) => firsts),
      heads: rows.flatMap(({ heads }) => heads),
      tails: rows.flatMap(({ tails }) => tails),
      repeats: rows.some(({ repeats }) => repeats),
    };
  }

  #row(): Part {
    let row = NOTHING;
    while (this.#at < this.#pattern.length && !/[|)]/.test(this.#pattern.charAt(this.#at)))
      row = this.#joined(row, this.#quantified());
    return row;
  }

  #joined(a: Part, b: Part): Part {
    if (a.tails.some((tail) => b.heads.some((head) => this.#overlap(tail, head))))
      this.repeatsBesideRepetition = true;
    return {
      mayBeEmpty: a.mayBeEmpty && b.mayBeEmpty,
      firsts: a.mayBeEmpty ? [...a.firsts, ...b.firsts] : a.firsts,
      heads: a.mayBeEmpty ? [...a.heads, ...b.heads] : a.heads,
      tails: b.mayBeEmpty ? [...a.tails, ...b.tails] : b.tails,
      repeats: a.repeats || b.repeats,
    };
  }

  #quantified(): Part {
    const part = this.#one();
    const quantifier = this.#taken(QUANTIFIER);
    if (quantifier === null) return part;
    const [, sign, least, comma, most] = quantifier;
    const mayBeEmpty = part.mayBeEmpty || sign === '*' || sign === '?' || Number(least) === 0;
    if (sign === '*' || sign === '+' || (comma !== undefined && most === '')) {
      this.repeatsRepetition ||= part.repeats;
      const { firsts } = part;
      return { mayBeEmpty, firsts, heads: [firsts], tails: [firsts], repeats: true };
    }
    return { ...(sign === '?' ? part : this.#joined(part, part)), mayBeEmpty };
  }

  #one(): Part {
    if (this.#taken(PLACE) !== null) return NOTHING;
    const group = this.#taken(GROUP);
    if (group === null) {
      const [character = ''] = this.#taken(CHARACTER) ?? [];
      return { ...NOTHING, mayBeEmpty: false, firsts: [character] };
    }
    const inner = this.#choice();
    if (this.#taken(/\)/y) === null) throw new Error(`no end: ${this.#pattern}`);
    const isLook = group[1] !== undefined;
    return isLook ? NOTHING : inner;
  }

  #overlap(some: readonly string[], others: readonly string[]): boolean {
    const [one, other] = [some, others].map(
      (characters) => new RegExp(`^(?:${characters.join('|')})$`, this.#flags),
    );
    return SAMPLES.some((sample) => one?.test(sample) === true && other?.test(sample) === true);
  }

  #taken(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#pattern);
    this.#at += found?.[0].length ?? 0;
    return found;
  }
}

/** Those of the service, each by its file. */
function patternsRead(): { readonly file: string; readonly literal: string }[] {
  const patterns: { readonly file: string; readonly literal: string }[] = [];
  for (const dir of ['src', 'protocol'])
    for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || /^(?:client|web)\//.test(name)) continue;
      const file = path.join(dir, name);
      const look = (node: ts.Node): void => {
        if (ts.isRegularExpressionLiteral(node)) patterns.push({ file, literal: node.text });
        ts.forEachChild(node, look);
      };
      look(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
    }
  return patterns;
}

describe('what is read from strangers', () => {
  const patterns = patternsRead();
  const foundBy = (isSlow: (reader: PatternReader) => boolean): string[] =>
    patterns
      .filter(({ literal }) => isSlow(new PatternReader(literal)))
      .map(({ file, literal }) => `${file}: ${literal}`);

  it('has no pattern that repeats what repeats itself', () => {
    const repeats = (literal: string) => new PatternReader(literal).repeatsRepetition;
    expect(repeats('/^(?:a+)+$/')).toBe(true);
    expect(repeats('/((a|b*)c)+/')).toBe(true);
    expect(repeats('/(?:a{2,}b)*/')).toBe(true);
    expect(repeats('/^(?:[+*]a)+\\(b+\\)+c*$/')).toBe(false);
    expect(patterns.length).toBeGreaterThan(50);
    expect(foundBy((reader) => reader.repeatsRepetition)).toEqual([]);
  });

  it('has no pattern in which two beside each other repeat the same', () => {
    const repeats = (literal: string) => new PatternReader(literal).repeatsBesideRepetition;
    // Of the Range header, as it was: a few thousand spaces held the process up for minutes.
    expect(repeats('/^bytes\\s*=\\s*(\\d*)\\s*-\\s*(\\d*)\\s*$/iu')).toBe(true);
    for (const literal of [
      ...['/a*a+/', '/\\w+(?:-?)\\d*/', '/(?:a|b+)(?=c)[bc]*?/', '/(?:x*,?){2}/', '/K+k*/i'],
      ...['/(?:ab)*(?:ac)*/', '/[^"]*b{0,3}\\p{L}{2,}/u'],
    ])
      expect([literal, repeats(literal)]).toEqual([literal, true]);
    for (const literal of [
      ...['/a*b*/', '/\\s*-\\s*/', '/\\s*(?:(\\d+)\\s*)?-/', '/(?:a*|b)c{1,3}[^a]*/', '/K+k*/'],
      ...['/[^\\]]*\\]+/', '/(?:x*,){2}/', '/\\p{Lu}*\\p{Ll}*/u'],
    ])
      expect([literal, repeats(literal)]).toEqual([literal, false]);
    expect(foundBy((reader) => reader.repeatsBesideRepetition)).toEqual([
      // Of a setting, which no stranger writes.
      expect.stringMatching(/^src\/telemetry-config\.ts: /),
    ]);
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
});
