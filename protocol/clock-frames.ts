// The binary frames of the clock: a probe of 16 bytes, a reply of 32, little-endian (CL1, CL2). Pure bytes, no clock of its own.

export const PROBE_BYTES = 16;
export const REPLY_BYTES = 32;
const PROBE_KIND = 1;
const REPLY_KIND = 2;
const CLOCK_VERSION = 1;

export interface ClockProbe {
  /** Chosen by the client, echoed untouched. An unsigned 32-bit number. */
  readonly seq: number;
  /** The client's own time of sending, ms; echoed untouched, bit by bit. */
  readonly t0: number;
}

export interface ClockReply extends ClockProbe {
  /** Names the hub's timeline, 0–65535; another one means that hub time has jumped. */
  readonly timelineId: number;
  /** Hub time in ms when the probe arrived. */
  readonly t1: number;
  /** Hub time in ms when the reply left. */
  readonly t2: number;
}

export function encodeProbe(probe: ClockProbe): Uint8Array {
  const bytes = new Uint8Array(PROBE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PROBE_KIND);
  view.setUint8(1, CLOCK_VERSION);
  view.setUint32(4, probe.seq, true);
  view.setFloat64(8, probe.t0, true);
  return bytes;
}

/** Whether `bytes` is a probe: the right length, kind and version. Anything else binary closes the socket (CL3). */
export function isProbe(bytes: Uint8Array): boolean {
  return bytes.length === PROBE_BYTES && bytes[0] === PROBE_KIND && bytes[1] === CLOCK_VERSION;
}

/**
 * Answers a probe without decoding it: `seq` and `t0` are copied as bytes.
 * @param probe bytes for which `isProbe` holds
 */
export function answerProbe(
  probe: Uint8Array,
  timelineId: number,
  t1: number,
  t2: number,
): Uint8Array {
  const bytes = new Uint8Array(REPLY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, REPLY_KIND);
  view.setUint8(1, CLOCK_VERSION);
  view.setUint16(2, timelineId, true);
  bytes.set(probe.subarray(4, PROBE_BYTES), 4);
  view.setFloat64(16, t1, true);
  view.setFloat64(24, t2, true);
  return bytes;
}

/** Undefined for bytes that are no reply of this version. The stamps are as the hub sent them: the estimator judges them. */
export function decodeReply(bytes: Uint8Array): ClockReply | undefined {
  if (bytes.length !== REPLY_BYTES || bytes[0] !== REPLY_KIND || bytes[1] !== CLOCK_VERSION) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    timelineId: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    t0: view.getFloat64(8, true),
    t1: view.getFloat64(16, true),
    t2: view.getFloat64(24, true),
  };
}
