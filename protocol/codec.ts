// From bytes to a request and from messages to bytes; what is malformed becomes a refusal that names the fault.
import { z } from 'zod';
import { ERROR_CODES, refuse, type Refusal } from './errors.ts';
import { RequestSchemas, type Request, type RequestType } from './schemas/requests.ts';
import type { ErrorReply } from './schemas/pushes.ts';

/** The largest frame that a client may send (SE8). */
export const MAX_FRAME_BYTES = 16_384;
/** How deep objects may nest in a frame. Requests need 3. */
export const MAX_DEPTH = 16;

export type Decoded =
  | { readonly kind: 'request'; readonly request: Request }
  /** The frame is an object with an id: answered, the socket stays. */
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal }
  /** Not an object with an id and a type: the socket is closed with `bad_frame` (SE8). */
  | { readonly kind: 'malformed'; readonly message: string };

const EnvelopeSchema = z.looseObject({
  id: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  type: z.string(),
});

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes one text frame. Never throws, whatever the bytes. */
export function decodeRequest(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_FRAME_BYTES) {
    return malformed(`a frame has at most ${MAX_FRAME_BYTES} bytes, this one has ${bytes.length}`);
  }
  if (isDeeperThan(MAX_DEPTH, bytes))
    return malformed(`objects and arrays nest at most ${MAX_DEPTH} deep`);
  let frame: unknown;
  try {
    frame = JSON.parse(utf8.decode(bytes));
  } catch {
    return malformed('a text frame is one JSON object in UTF-8');
  }
  const envelope = EnvelopeSchema.safeParse(frame);
  if (!envelope.success) {
    return malformed(
      `a request has a whole number "id" and a string "type": ${explain(envelope.error)}`,
    );
  }
  const { id, type } = envelope.data;
  if (!isRequestType(type)) {
    return {
      kind: 'refused',
      id,
      refusal: refuse('unknown_type', `this hub knows no request "${type.slice(0, 40)}"`),
    };
  }
  const parsed = RequestSchemas[type].safeParse(frame);
  if (!parsed.success) {
    return { kind: 'refused', id, refusal: refuse('bad_request', explain(parsed.error)) };
  }
  return { kind: 'request', request: parsed.data as Request };
}

function malformed(message: string): Decoded {
  return { kind: 'malformed', message };
}

export function isRequestType(type: string): type is RequestType {
  return Object.hasOwn(RequestSchemas, type);
}

/** The first fault of a validation, with the path to it: short, and without the value, which may be long or secret. */
export function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'invalid';
  const path = issue.path.map(String).join('.').slice(0, 80);
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, QUOTE, BACKSLASH] = [
  0x7b, 0x5b, 0x7d, 0x5d, 0x22, 0x5c,
];

/**
 * Counts nesting before anything is parsed, so that a text of brackets costs one pass over its bytes and no stack. Of what is no JSON it
 * may say anything: that is refused when it is parsed.
 */
export function isDeeperThan(most: number, bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > most) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return false;
}

const encoder = new TextEncoder();

/** One message as the bytes of one text frame. */
export function encode(message: object): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

export function okReply(id: number, body: object = {}): object {
  return { id, type: 'ok', ...body };
}

/** @param id undefined where the frame's id could not be read */
export function errorReply(id: number | undefined, refusal: Refusal): ErrorReply {
  const { retryable } = ERROR_CODES[refusal.code];
  return {
    ...(id === undefined ? {} : { id }),
    type: 'error',
    code: refusal.code,
    message: refusal.message,
    retryable,
    ...(refusal.retryAfterMs === undefined
      ? {}
      : { retryAfterMs: Math.ceil(refusal.retryAfterMs) }),
  };
}
