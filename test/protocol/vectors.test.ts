// Our own code runs the vectors that clients in other languages run.
import { describe, expect, it } from 'vitest';
import {
  answerProbe,
  decodeReply,
  encodeProbe,
  isProbe,
  type ClockReply,
} from '../../protocol/clock-frames.ts';
import { CLOSE_CODES, mayReconnect } from '../../protocol/close-codes.ts';
import { decodeRequest, encode, errorReply, okReply } from '../../protocol/codec.ts';
import { ERROR_CODES, type ErrorCode } from '../../protocol/errors.ts';
import { applyPatch, diff, type JsonObject } from '../../protocol/merge-patch.ts';
import { anchorAt, positionAt, type Anchor } from '../../protocol/schemas/playback.ts';
import { EmojiSchema, NameSchema, RoomCodeSchema } from '../../protocol/schemas/primitives.ts';
import {
  ErrorReplySchema,
  OkSchema,
  PushSchemas,
  ReplySchemas,
  type ErrorReply,
} from '../../protocol/schemas/pushes.ts';
import { RequestSchemas } from '../../protocol/schemas/requests.ts';
import { PublicRoomSchema, playOrder, type Queue } from '../../protocol/schemas/room.ts';
import { canonicalJson, fnv1a64, stateHash } from '../../protocol/state-hash.ts';
import { proveInterval } from '../../src/clock/exchange.ts';
import { fnv1a64Reference } from './support/reference.ts';
import {
  bytesOf,
  fromHex,
  readVectors,
  toHex,
  type Named,
  type VectorFrame,
} from './support/vectors.ts';

const utf8 = new TextEncoder();

describe('frames-in.json', () => {
  type Expected =
    | { readonly request: { readonly type: string } }
    | { readonly refused: ErrorCode; readonly id: number; readonly field?: string }
    | { readonly close: number };
  const { cases } = readVectors('frames-in') as {
    readonly cases: readonly (Named & VectorFrame & { readonly expect: Expected })[];
  };

  it.each(cases)('$name', ({ expect: expected, ...frame }) => {
    const decoded = decodeRequest(bytesOf(frame));
    if ('request' in expected) {
      expect(decoded).toEqual({ kind: 'request', request: expected.request });
    } else if ('refused' in expected) {
      const { refused: code, id, field } = expected;
      expect(decoded).toMatchObject({ kind: 'refused', id, refusal: { code } });
      if (field !== undefined && decoded.kind === 'refused') {
        expect(decoded.refusal.message.split(': ')[0]).toBe(field);
      }
    } else {
      expect(decoded.kind).toBe('malformed');
      expect(expected.close).toBe(CLOSE_CODES.bad_frame);
    }
  });

  it('show each type of request', () => {
    const shown = new Set(cases.map((c) => ('request' in c.expect ? c.expect.request.type : '')));
    const missing = Object.keys(RequestSchemas).filter((type) => !shown.has(type));
    expect(missing).toEqual([]);
  });
});

describe('frames-out.json', () => {
  type Message = { readonly id?: number; readonly type: string } & JsonObject;
  interface Case extends Named {
    readonly message: Message;
    readonly known: boolean;
    readonly frame: string;
    readonly answers?: keyof typeof ReplySchemas;
    readonly waitMs?: number;
  }
  const { cases } = readVectors('frames-out') as { readonly cases: readonly Case[] };

  /** What the hub encodes for it: replies go through the functions that make them. */
  function made({ message, waitMs }: Case): object {
    const { id, type, ...body } = message;
    if (type === 'ok' && id !== undefined) return okReply(id, body);
    if (type !== 'error') return message;
    const { code, message: text, retryAfterMs } = message as unknown as ErrorReply;
    const wait = waitMs ?? retryAfterMs;
    return errorReply(id, {
      code,
      message: text,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    });
  }

  it.each(cases)('$name', (vector) => {
    const { message, known, frame, answers } = vector;
    expect(new TextDecoder().decode(encode(made(vector)))).toBe(frame);
    expect(JSON.parse(frame)).toEqual(message);
    const { type } = message;
    if (type === 'ok') {
      expect(OkSchema.parse(message)).toEqual(message);
      const { id: _id, type: _type, ...body } = message;
      if (answers !== undefined) expect(ReplySchemas[answers].parse(body)).toEqual(body);
    } else if (type === 'error') {
      expect(ErrorReplySchema.parse(message)).toEqual(message);
    } else {
      expect(Object.hasOwn(PushSchemas, type)).toBe(known);
      if (known) {
        expect(PushSchemas[type as keyof typeof PushSchemas].parse(message)).toEqual(message);
      }
    }
  });

  it('show each push, each reply and each error', () => {
    const types = new Set(cases.map(({ message }) => message.type));
    expect(Object.keys(PushSchemas).filter((type) => !types.has(type))).toEqual([]);
    const answered = new Set<string | undefined>(cases.map(({ answers }) => answers));
    const replies = Object.keys(ReplySchemas).filter((type) => type !== 'room.create');
    expect(replies.filter((type) => !answered.has(type))).toEqual([]);
    const codes = new Set(cases.map(({ message }) => message['code']));
    expect(Object.keys(ERROR_CODES).filter((code) => !codes.has(code))).toEqual([]);
  });
});

describe('clock-frames.json', () => {
  type Probe = Named & { readonly hex: string; readonly seq: number; readonly t0: number };
  const vectors = readVectors('clock-frames') as {
    readonly probes: readonly Probe[];
    readonly seqWraps: readonly (Probe & { readonly count: number })[];
    readonly replies: readonly (Named & { readonly hex: string } & ClockReply)[];
    readonly answers: readonly (Named & {
      readonly probe: string;
      readonly timelineId: number;
      readonly t1: number;
      readonly t2: number;
      readonly reply: string;
    })[];
    readonly notProbes: readonly (Named & { readonly hex: string; readonly close: number })[];
    readonly notReplies: readonly (Named & { readonly hex: string })[];
    readonly bounds: readonly (Named &
      Record<'t0' | 't1' | 't2' | 't3' | 'lowerMs' | 'upperMs' | 'roundTripMs', number>)[];
  };

  it.each(vectors.probes)('probe: $name', ({ hex, seq, t0 }) => {
    expect(toHex(encodeProbe({ seq, t0 }))).toBe(hex);
    expect(isProbe(fromHex(hex))).toBe(true);
  });

  it.each(vectors.seqWraps)('probe: $name', ({ hex, count, t0 }) => {
    expect(toHex(encodeProbe({ seq: count, t0 }))).toBe(hex);
  });

  it.each(vectors.replies)('reply: $name', ({ hex, timelineId, seq, t0, t1, t2 }) => {
    expect(decodeReply(fromHex(hex))).toStrictEqual({ timelineId, seq, t0, t1, t2 });
    const answer = answerProbe(encodeProbe({ seq, t0 }), timelineId, t1, t2);
    expect(toHex(answer)).toBe(hex);
  });

  it.each(vectors.answers)('answer: $name', ({ probe, timelineId, t1, t2, reply }) => {
    expect(toHex(answerProbe(fromHex(probe), timelineId, t1, t2))).toBe(reply);
  });

  it.each(vectors.notProbes)('CL3, no probe: $name', ({ hex, close }) => {
    expect(isProbe(fromHex(hex))).toBe(false);
    expect(close).toBe(CLOSE_CODES.bad_frame);
  });

  it.each(vectors.notReplies)('no reply: $name', ({ hex }) => {
    expect(decodeReply(fromHex(hex))).toBeUndefined();
  });

  it.each(vectors.bounds)('CL2: $name', ({ lowerMs, upperMs, roundTripMs, ...stamps }) => {
    const proven = proveInterval({ ...stamps, timelineId: 1 }, 0);
    expect(proven).toMatchObject({ lowerMs, upperMs, rttMs: roundTripMs });
  });
});

describe('state-patches.json', () => {
  interface Case extends Named {
    readonly state: JsonObject;
    readonly hash: string;
    readonly steps: readonly {
      readonly patch: JsonObject;
      readonly state: JsonObject;
      readonly hash: string;
    }[];
  }
  const { cases, canonical, fnv1a64s } = readVectors('state-patches') as {
    readonly cases: readonly Case[];
    readonly canonical: readonly (Named & Record<'json' | 'canonical' | 'hash', string>)[];
    readonly fnv1a64s: readonly Record<'text' | 'hash', string>[];
  };

  it.each(cases)('$name', ({ state, hash, steps }) => {
    expect(stateHash(state)).toBe(hash);
    let held = state;
    for (const step of steps) {
      const before = held;
      held = applyPatch(held, step.patch);
      // Canonical JSON, as a deep comparison would not look at a member called __proto__.
      expect(canonicalJson(held)).toBe(canonicalJson(step.state));
      expect(stateHash(held)).toBe(step.hash);
      expect(canonicalJson(applyPatch(before, diff(before, held)))).toBe(canonicalJson(held));
    }
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it('the room among them is one, at each step', () => {
    const room = cases.find(({ state }) => 'playback' in state);
    for (const { state } of room?.steps ?? []) {
      expect(PublicRoomSchema.parse(state)).toEqual(state);
    }
    expect(room?.steps.length).toBeGreaterThan(5);
  });

  it.each(canonical)('RM6, canonical JSON: $name', ({ json, canonical: expected, hash }) => {
    const value = JSON.parse(json) as object;
    expect(canonicalJson(value)).toBe(expected);
    expect(stateHash(value)).toBe(hash);
  });

  it.each(fnv1a64s)('RM6, FNV-1a of %j', ({ text, hash }) => {
    expect(fnv1a64(text)).toBe(hash);
    expect(fnv1a64Reference(utf8.encode(text))).toBe(hash);
  });
});

describe('positions.json', () => {
  const { cases } = readVectors('positions') as {
    readonly cases: readonly (Named & {
      readonly timeline: readonly Anchor[];
      readonly checks: readonly Record<'t' | 'anchor' | 'positionMs', number>[];
    })[];
  };

  it.each(cases)('PB2, PB3: $name', ({ timeline, checks }) => {
    const found = checks.map(({ t }) => {
      const anchor = anchorAt(timeline, t);
      return { t, anchor: timeline.indexOf(anchor), positionMs: positionAt(anchor, t) };
    });
    expect(found).toEqual(checks);
  });
});

describe('play-order.json', () => {
  const { cases } = readVectors('play-order') as {
    readonly cases: readonly (Named & {
      readonly shuffle: boolean;
      readonly queue: Queue;
      readonly order: readonly string[];
    })[];
  };

  it.each(cases)('QU2: $name', ({ shuffle, queue, order }) => {
    const playback = { timeline: [], repeat: 'off', shuffle } as const;
    expect(playOrder({ queue, playback })).toEqual(order);
  });
});

describe('close-codes.json', () => {
  const { cases } = readVectors('close-codes') as {
    readonly cases: readonly {
      readonly code: number;
      readonly name?: string;
      readonly comeBack: boolean;
    }[];
  };

  it.each(cases)('SE7: $code', ({ code, comeBack }) => {
    expect(mayReconnect(code)).toBe(comeBack);
  });

  it('name the codes that there are', () => {
    const named = cases.flatMap(({ code, name }) => (name === undefined ? [] : [[name, code]]));
    expect(Object.fromEntries(named)).toEqual(CLOSE_CODES);
  });
});

describe('names.json', () => {
  type Typed = Named & {
    readonly input?: string;
    readonly json?: string;
    readonly accepted?: string;
    readonly refused?: true;
  };
  const vectors = readVectors('names') as Record<'names' | 'roomCodes' | 'emoji', readonly Typed[]>;
  const schemas = { names: NameSchema, roomCodes: RoomCodeSchema, emoji: EmojiSchema } as const;

  describe.each(Object.keys(schemas) as (keyof typeof schemas)[])('%s', (kind) => {
    it.each(vectors[kind])('$name', ({ input, json, accepted, refused }) => {
      const typed: unknown = json === undefined ? input : JSON.parse(json);
      const parsed = schemas[kind].safeParse(typed);
      expect(parsed.success).toBe(refused !== true);
      if (parsed.success) expect(parsed.data).toBe(accepted);
    });
  });
});
