// Holds SPEC.md and the code together: rules are cited by ids that exist, and what its tables and sentences name is what there is.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PROBE_BYTES, REPLY_BYTES, answerProbe, encodeProbe } from '../../protocol/clock-frames.ts';
import { CLOSE_CODES, mayReconnect } from '../../protocol/close-codes.ts';
import { MAX_DEPTH, MAX_FRAME_BYTES } from '../../protocol/codec.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { MAX_NAMED } from '../../protocol/schemas/events.ts';
import { MAX_PRIVATE_MS } from '../../protocol/schemas/feed.ts';
import { MAX_NAME_CODE_POINTS } from '../../protocol/schemas/primitives.ts';
import { PushSchemas } from '../../protocol/schemas/pushes.ts';
import { RequestSchemas } from '../../protocol/schemas/requests.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';

const ROOT = new URL('../../', import.meta.url);
const spec = readFileSync(new URL('protocol/SPEC.md', ROOT), 'utf8');

/** The rules in order, each with its text. */
const rules = Array.from(spec.matchAll(/^- \*\*([A-Z]{2}\d+)\*\* (.*)$/gm), ([, id, text]) => ({
  id: id ?? '',
  text: text ?? '',
}));
const textOf = new Map(rules.map(({ id, text }) => [id, text]));

function ruleText(id: string): string {
  const text = textOf.get(id);
  if (text === undefined) throw new RangeError(`no rule ${id}`);
  return text;
}

const CITATION = /\b(?:GR|SE|RQ|RM|PB|QU|VO|CH|RE|CL)\d+\b/g;

/** Every rule id that a text file under `folders` names, with the file that names it. */
function citations(folders: readonly string[]): { readonly file: string; readonly id: string }[] {
  return folders.flatMap((folder) => {
    const path = fileURLToPath(new URL(folder, ROOT));
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:tsx?|md|json|css|html)$/.test(file) && !/^generated/.test(file))
      .flatMap((file) =>
        Array.from(readFileSync(`${path}/${file}`, 'utf8').matchAll(CITATION), ([id]) => ({
          file: `${folder}/${file}`,
          id,
        })),
      );
  });
}

describe('the rules of SPEC.md', () => {
  it('have ids that are unique, and count up from 1', () => {
    const counts = new Map<string, number>();
    for (const { id } of rules) {
      const group = id.slice(0, 2);
      const place = (counts.get(group) ?? 0) + 1;
      expect(id).toBe(`${group}${place}`);
      counts.set(group, place);
    }
    expect([...counts.keys()]).toEqual('GR SE RQ RM PB QU VO CH RE CL FE'.split(' '));
  });

  it('are the only ones that are cited', () => {
    const cited = citations(['protocol', 'src', 'test']);
    expect(cited.filter(({ id }) => !textOf.has(id))).toEqual([]);
    // The search itself must find something: src cites the frame rule, the vectors the merge rule.
    expect(cited.map(({ id }) => id)).toEqual(expect.arrayContaining(['SE8', 'RM5', 'CL2']));
  });
});

describe('SPEC.md names what there is', () => {
  it('SE7: the table of close codes is the code’s', () => {
    const rows = Array.from(spec.matchAll(/^\| (\d{4}) \| ([a-z_]+) \| (.*) \|$/gm), (row) => ({
      code: Number(row[1]),
      name: row[2] ?? '',
      client: row[3] ?? '',
    }));
    expect(Object.fromEntries(rows.map(({ code, name }) => [name, code]))).toEqual(CLOSE_CODES);
    expect(rows.length).toBe(Object.keys(CLOSE_CODES).length);
    for (const { code, client } of rows) {
      if (client.includes('comes back')) expect(mayReconnect(code)).toBe(true);
    }
  });

  it('SE7: every close code in a sentence is one of them, or an edge of their ranges', () => {
    const codes = new Set<number>([...Object.values(CLOSE_CODES), 4499, 4999]);
    const mentioned = rules.flatMap(({ text }) => text.match(/\b4\d{3}\b/g) ?? []).map(Number);
    expect(mentioned.length).toBeGreaterThan(10);
    expect(mentioned.filter((code) => !codes.has(code))).toEqual([]);
    for (const code of [4000, 4499, 3999, 1001, 1006]) expect(mayReconnect(code)).toBe(true);
    for (const code of [4500, 4999]) expect(mayReconnect(code)).toBe(false);
  });

  it('RQ2: every error code that a rule gives is one of the table', () => {
    const given = rules.flatMap(({ text }) =>
      Array.from(
        text.matchAll(/(?:answered|answers|refused)(?: with| as)? `([a-z_]+)`/g),
        ([, code]) => code ?? '',
      ),
    );
    expect(given).toEqual(
      expect.arrayContaining(['unknown_type', 'bad_request', 'stale', 'rate_limited']),
    );
    expect(given.filter((code) => !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
  });

  it('RQ3: error codes have a status of HTTP that fits to whether one may try again', () => {
    for (const [code, { status, retryable, means }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(means).not.toBe('');
      expect(status).toBeGreaterThanOrEqual(400);
      if (status >= 500 || status === 429) expect(retryable, code).toBe(true);
      if (status < 409) expect(retryable, code).toBe(false);
    }
  });

  it('GR3: every type that a rule names is a request or a push', () => {
    // Parts of the state and of fields, which look alike.
    const parts = new Set(['playback.timeline', 'room.queue', 'playback.shuffle', 'since.chat']);
    const named = rules.flatMap(({ text }) =>
      Array.from(text.matchAll(/`([a-z]+\.[a-z]+)(?: [^`]*)?`/g), ([, type]) => type ?? ''),
    );
    const types = named.filter((type) => !parts.has(type) && !/^earshot\.v/.test(type));
    expect(types.length).toBeGreaterThan(20);
    expect(
      types.filter(
        (type) => !Object.hasOwn(RequestSchemas, type) && !Object.hasOwn(PushSchemas, type),
      ),
    ).toEqual([]);
    const pushes = Object.keys(PushSchemas).filter((type) => !types.includes(type));
    expect(pushes, 'a push that no rule tells of').toEqual([]);
  });

  it('GR1, SE8, SE9, RM8, FE8: the numbers are the code’s', () => {
    expect(ruleText('GR1')).toContain(`\`${SOCKET_PATH}\``);
    expect(ruleText('GR1')).toContain(`\`${SUBPROTOCOL}\``);
    expect(ruleText('SE8')).toContain(`more than ${MAX_FRAME_BYTES.toLocaleString('en')} bytes`);
    expect(ruleText('SE8')).toContain(`deeper than ${MAX_DEPTH}`);
    expect(ruleText('SE9')).toContain(`1 to ${MAX_NAME_CODE_POINTS} code points`);
    expect(ruleText('RM8')).toContain(`at most ${MAX_NAMED} people`);
    expect(ruleText('FE8')).toContain(`(${MAX_PRIVATE_MS / 86_400_000} days)`);
  });

  it('CL1: the table of clock frames gives the places of their fields', () => {
    const [, table = ''] = spec.split('## 7. Clock');
    expect(table).toContain(`probe, ${PROBE_BYTES} bytes`);
    expect(table).toContain(`reply, ${REPLY_BYTES} bytes`);
    const cells = Array.from(
      table.matchAll(/\| (\d+) \| `([uf])(\d+)` ([^|]*?) (?=\|)/g),
      (cell) => ({
        at: Number(cell[1]),
        kind: cell[2],
        bytes: Number(cell[3]) / 8,
        field: cell[4] ?? '',
      }),
    );
    const stamps = { t0: 1.5, t1: 20.25, t2: 300.125 };
    const probe = encodeProbe({ seq: 0x01020304, t0: stamps.t0 });
    const reply = answerProbe(probe, 0x0506, stamps.t1, stamps.t2);
    const values: Record<string, number> = {
      ...stamps,
      seq: 0x01020304,
      timelineId: 0x0506,
      '0': 0,
    };
    // Of each row the left cell is the probe's and the right one the reply's; alone, below the probe's end, the reply's.
    const seen = { probe: 0, reply: 0 };
    for (const [index, { at, kind, bytes, field }] of cells.entries()) {
      const isProbeCell = cells[index + 1]?.at === at;
      const view = new DataView((isProbeCell ? probe : reply).buffer);
      const read =
        kind === 'f'
          ? view.getFloat64(at, true)
          : bytes === 1
            ? view.getUint8(at)
            : bytes === 2
              ? view.getUint16(at, true)
              : view.getUint32(at, true);
      const constant = /= (\d+)$/.exec(field)?.[1];
      expect(read, `${at} ${field}`).toBe(
        constant === undefined ? values[field] : Number(constant),
      );
      seen[isProbeCell ? 'probe' : 'reply'] += bytes;
    }
    expect(seen).toEqual({ probe: PROBE_BYTES, reply: REPLY_BYTES });
  });
});
