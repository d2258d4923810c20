// Whatever the bytes, decoding ends in one of three outcomes; whatever the request, it comes out as it went in.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_DEPTH,
  MAX_FRAME_BYTES,
  decodeRequest,
  encode,
  isRequestType,
  type Decoded,
} from '../../protocol/codec.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { REQUEST_TYPES, anyRequest, definitionOf, requestOf } from './support/arbitrary-request.ts';

// The same cases each time: another seed is another test.
fc.configureGlobal({ seed: 7 });

const utf8 = new TextEncoder();

/** What holds of every outcome, whatever went in. */
function checkOutcome(decoded: Decoded): void {
  switch (decoded.kind) {
    case 'request':
      expect(isRequestType(decoded.request.type)).toBe(true);
      expect(Object.getPrototypeOf(decoded.request)).toBe(Object.prototype);
      expect(decodeRequest(encode(decoded.request))).toEqual(decoded);
      break;
    case 'refused':
      expect(Number.isSafeInteger(decoded.id) && decoded.id >= 0).toBe(true);
      expect(Object.keys(ERROR_CODES)).toContain(decoded.refusal.code);
      expect(decoded.refusal.message.length).toBeLessThan(300);
      break;
    case 'malformed':
      expect(decoded.message.length).toBeLessThan(300);
  }
  expect(Object.getOwnPropertyNames({})).toEqual([]);
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
}

/** JSON with the names and values that the schemas look at, and with those that prototypes have. */
const anyJson = fc.jsonValue({ maxDepth: 4 });
const hostileKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'id', 'type', 'admin'),
  fc.constantFrom('roomId', 'entryId', 'settings', 'since', 'client', 'trackIds', 'key', 'name'),
  fc.string({ maxLength: 8 }),
);
const hostileFrame = fc
  .tuple(
    fc.oneof(fc.nat(), anyJson),
    fc.oneof(fc.constantFrom(...REQUEST_TYPES, '__proto__', 'constructor'), fc.string()),
    fc.array(fc.tuple(hostileKey, anyJson), { maxLength: 8 }),
  )
  .map(([id, type, members]) => {
    const texts = [
      `"id":${JSON.stringify(id)}`,
      `"type":${JSON.stringify(type)}`,
      ...members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`),
    ];
    return `{${texts.join(',')}}`;
  });

describe('decodeRequest', () => {
  it('SE8: never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => checkOutcome(decodeRequest(bytes))),
      { numRuns: 1_000 },
    );
  });

  it('SE8: never throws, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 24 }), (text) => {
        checkOutcome(decodeRequest(utf8.encode(text)));
      }),
      { numRuns: 500 },
    );
  });

  it('SE8: never throws on what looks like a request', () => {
    fc.assert(
      fc.property(hostileFrame, (text) => checkOutcome(decodeRequest(utf8.encode(text)))),
      { numRuns: 2_000 },
    );
  });

  it('SE8: a request with bytes changed, cut or put in is still one of the three', () => {
    const change = fc.record({
      at: fc.nat({ max: 399 }),
      cut: fc.nat({ max: 3 }),
      put: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(anyRequest, fc.array(change, { minLength: 1, maxLength: 4 }), (made, changes) => {
        const bytes = Array.from(encode(made));
        for (const { at, cut, put } of changes) bytes.splice(at % bytes.length, cut, ...put);
        checkOutcome(decodeRequest(Uint8Array.from(bytes)));
      }),
      { numRuns: 1_000 },
    );
  });

  describe.each(REQUEST_TYPES)('%s', (type) => {
    it('comes out as it went in', () => {
      fc.assert(
        fc.property(requestOf(type), (request) => {
          expect(decodeRequest(encode(request))).toEqual({ kind: 'request', request });
        }),
        { numRuns: 60 },
      );
    });

    it('GR5: comes out without what is not known', () => {
      fc.assert(
        fc.property(requestOf(type), anyJson, (request, value) => {
          const decoded = decodeRequest(encode({ unknown: value, ...request }));
          // Beyond the depth that a frame may have, it is not read at all.
          if (decoded.kind !== 'malformed') expect(decoded).toEqual({ kind: 'request', request });
        }),
        { numRuns: 20 },
      );
    });

    const required = (definitionOf(`request.${type}`).required ?? []).filter(
      (field) => field !== 'id' && field !== 'type',
    );
    it.each(required)('SE8: without %s it is refused by that name', (field) => {
      fc.assert(
        fc.property(requestOf(type), fc.constantFrom(undefined, null), (request, value) => {
          const decoded = decodeRequest(encode({ ...request, [field]: value }));
          expect(decoded).toMatchObject({
            kind: 'refused',
            id: request['id'],
            refusal: { code: 'bad_request' },
          });
          if (decoded.kind === 'refused') {
            expect(decoded.refusal.message.startsWith(`${field}: `)).toBe(true);
          }
        }),
        { numRuns: 10 },
      );
    });
  });

  it('SE8: nesting is measured to the level', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('[', '{"x":'), { minLength: 1, maxLength: 40 }),
        (openers) => {
          const closers = openers.map((opener) => (opener === '[' ? ']' : '}')).reverse();
          const inner = `${openers.join('')}0${closers.join('')}`;
          const text = `{"id":1,"type":"queue.undo","roomId":"00000000-0000-4000-8000-000000000000","x":${inner}}`;
          const isTooDeep = openers.length + 1 > MAX_DEPTH;
          expect(decodeRequest(utf8.encode(text)).kind).toBe(isTooDeep ? 'malformed' : 'request');
        },
      ),
    );
  });

  it('SE8: of a frame that is too large, no byte is looked at', () => {
    const large = new Proxy(new Uint8Array(0), {
      get: (_target, property) => {
        if (property === 'length') return MAX_FRAME_BYTES + 1;
        throw new Error(`looked at ${String(property)}`);
      },
    });
    expect(decodeRequest(large)).toMatchObject({ kind: 'malformed' });
  });

  it('SE8: to find nesting, each byte is read at most once', () => {
    const shapes = ['[', '{"x":', '"\\', '[]', '\\"[', ']['];
    for (const shape of shapes) {
      const bytes = utf8.encode(shape.repeat(Math.floor(MAX_FRAME_BYTES / shape.length)));
      const reads = new Uint8Array(bytes.length);
      const watched = new Proxy(bytes, {
        get: (target, property) => {
          const index = typeof property === 'string' ? Number(property) : NaN;
          if (!Number.isInteger(index)) return Reflect.get(target, property, target) as unknown;
          reads[index] = (reads[index] ?? 0) + 1;
          return target[index];
        },
      });
      // A proxy is no buffer to the UTF-8 decoder, which refuses it: what counts is what was read before.
      expect(decodeRequest(watched).kind).toBe('malformed');
      expect(Math.max(...reads)).toBe(1);
    }
  });
});
