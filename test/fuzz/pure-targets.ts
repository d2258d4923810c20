// The parts of the protocol that take bytes from strangers and have no state: frames, clock frames, patches.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { answerProbe, decodeReply, encodeProbe, isProbe } from '../../protocol/clock-frames.ts';
import { decodeRequest, encode, isDeeperThan, isRequestType } from '../../protocol/codec.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { applyPatch, diff, type JsonObject } from '../../protocol/merge-patch.ts';
import { canonicalJson } from '../../protocol/state-hash.ts';
import { proveInterval } from '../../src/clock/exchange.ts';
import { mergePatchReference, treeOf } from '../protocol/support/reference.ts';
import { inShort, nothingPolluted } from './invariants.ts';
import type { Target } from './fuzzer.ts';

const utf8 = new TextEncoder();
const vectors = (name: string): unknown =>
  JSON.parse(readFileSync(`protocol/vectors/${name}.json`, 'utf8'));

/** Frames that clients send. */
export function frameSeeds(): Uint8Array[] {
  const { cases } = vectors('frames-in') as { cases: readonly { readonly text?: string }[] };
  return cases.flatMap(({ text }) => (text === undefined ? [] : [utf8.encode(text)]));
}

export const codec: Target = {
  name: 'codec',
  seeds: frameSeeds,
  run: (input) => {
    const decoded = decodeRequest(input);
    nothingPolluted();
    switch (decoded.kind) {
      case 'request': {
        const { request } = decoded;
        assert(isRequestType(request.type));
        assert.equal(Object.getPrototypeOf(request), Object.prototype);
        // As texts: JSON has a −0, and writes it as 0.
        const again = JSON.stringify(decodeRequest(encode(request)));
        assert.equal(again, JSON.stringify(decoded), 'it does not survive encoding');
        // By their number: what else the names of members are, the input has chosen.
        return `request ${request.type} ${Math.min(10, Object.keys(request).length)}`;
      }
      case 'refused':
        assert(Number.isSafeInteger(decoded.id) && decoded.id >= 0);
        assert(Object.hasOwn(ERROR_CODES, decoded.refusal.code));
        assert(decoded.refusal.message.length < 300);
        return `refused ${decoded.refusal.code} ${inShort(decoded.refusal.message)}`;
      case 'malformed':
        assert(decoded.message.length < 300);
        return `malformed ${inShort(decoded.message)}`;
    }
  },
};

/** Bytes of a probe, of a reply, and of a client’s own stamp behind it. */
export const clock: Target = {
  name: 'clock',
  seeds: () => {
    const probe = encodeProbe({ seq: 7, t0: 1_234.5 });
    const reply = answerProbe(probe, 3, 9_000.25, 9_000.5);
    return [probe, reply, Uint8Array.from([...reply, ...new Uint8Array(8)])];
  },
  run: (input) => {
    const reply = decodeReply(input.subarray(0, 32));
    if (isProbe(input)) {
      const answer = decodeReply(answerProbe(input, 65_535, 1, 2));
      assert(answer !== undefined);
      const back = encodeProbe(answer);
      // The third and fourth byte mean nothing; a NaN has many faces.
      if (!Number.isNaN(answer.t0))
        assert.deepEqual(back.subarray(4), Uint8Array.from(input.subarray(4)));
      return 'probe';
    }
    if (reply === undefined) return `none of ${Math.min(input.length, 40)} bytes`;
    const rest = input.subarray(32, 40);
    const t3 = rest.length < 8 ? reply.t0 : Buffer.from(rest).readDoubleLE();
    const proven = proveInterval({ ...reply, t3 }, 0.1);
    if (typeof proven === 'string') return `rejected ${proven}`;
    assert(Object.values(proven).every(Number.isFinite));
    assert(proven.rttMs >= 0);
    return 'proven';
  },
};

const MOST_DEPTH = 16;

export const patches: Target = {
  name: 'merge-patch',
  seeds: () => {
    const { cases } = vectors('state-patches') as {
      cases: readonly { readonly state: object; readonly steps: readonly { patch: object }[] }[];
    };
    return cases.flatMap(({ state, steps }) =>
      steps.map(({ patch }) => utf8.encode(JSON.stringify([state, patch]))),
    );
  },
  run: (input) => {
    if (isDeeperThan(MOST_DEPTH, input)) return 'too deep';
    let given: unknown;
    try {
      given = JSON.parse(new TextDecoder().decode(input));
    } catch {
      return 'no JSON';
    }
    const [before, patch] = Array.isArray(given) ? (given as unknown[]) : [];
    if (!isObject(before) || !isObject(patch)) return 'no objects';
    // Of a number beyond all numbers JSON has no text.
    if (/[eE]|\d{300}/.test(Buffer.from(input).toString('latin1')) && hasInfinity(given))
      return 'no finite numbers';
    const asIs = JSON.stringify(before);
    const after = applyPatch(before, patch);
    nothingPolluted();
    assert.equal(JSON.stringify(before), asIs, 'the state itself was changed');
    assert.deepEqual(treeOf(after), mergePatchReference(treeOf(before), treeOf(patch)));
    if (!/null/.test(JSON.stringify([before, after]))) {
      const again = applyPatch(before, diff(before, after));
      assert.equal(
        canonicalJson(again),
        canonicalJson(after),
        'a patch does not lead where it should',
      );
    }
    nothingPolluted();
    const shape = (of: object): string => String(Math.min(6, Object.keys(of).length));
    return `applied ${shape(before)} ${shape(patch)} ${shape(after)}`;
  },
};

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInfinity);
}
