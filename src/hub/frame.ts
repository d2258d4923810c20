// Frames made from messages and from parts that are encoded already.
import type { Frame } from '../ports/sockets.ts';

const encoder = new TextEncoder();

/** One message as a frame: encoded once, however many sockets it goes to. */
export function frameOf(message: object): Frame {
  return jsonFrame(JSON.stringify(message));
}

export function jsonFrame(json: string): Frame {
  return { bytes: encoder.encode(json), isBinary: false };
}

/**
 * An `ok` around members that are JSON text already, so that a cached snapshot is neither parsed nor encoded again.
 * @param members `"name":value` pairs, joined by commas
 */
export function okFrame(id: number, members: string): Frame {
  return jsonFrame(
    members === '' ? `{"id":${id},"type":"ok"}` : `{"id":${id},"type":"ok",${members}}`,
  );
}
