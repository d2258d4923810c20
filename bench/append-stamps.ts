// What the hub takes of a command, seen from inside its process: from its arrival at the socket until the last frame is with the kernel.
// Stamps are put around the methods of the build that is measured; a bench alone does this.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { spreadOf, type Spread } from './append-child.ts';

interface Patched {
  readonly prototype: Record<string, (...args: unknown[]) => unknown>;
}

/** Longer than a clock probe, shorter than any command. */
const COMMAND_BYTES = 40;

let isOn = false;
let arrivedAt = 0;
let sentAt = 0;
let sent = 0;
let times: number[] = [];
let perCommand: number[] = [];

async function classOf(file: string, name: string): Promise<Patched> {
  const url = pathToFileURL(path.resolve('dist/src', file)).href;
  const module = (await import(url)) as Record<string, Patched>;
  const found = module[name];
  if (found === undefined) throw new Error(`${file} has no ${name}`);
  return found;
}

function around(of: Patched, method: string, before: (args: readonly unknown[]) => void): void {
  const original = of.prototype[method];
  if (original === undefined) throw new Error(`there is no ${method}`);
  of.prototype[method] = function (this: unknown, ...args: unknown[]): unknown {
    before(args);
    const result = original.apply(this, args);
    if (method === 'send') sentAt = performance.now();
    return result;
  };
}

function closeCommand(): void {
  if (arrivedAt === 0 || sent === 0) return;
  times.push(sentAt - arrivedAt);
  perCommand.push(sent);
}

let isPatched = false;

/** Begins to note how long each command takes, one at a time. */
export async function stamp(): Promise<void> {
  if (!isPatched) {
    isPatched = true;
    around(await classOf('hub/hub.js', 'Hub'), 'message', ([, data]) => {
      if (!isOn || (data as Uint8Array).length < COMMAND_BYTES) return;
      closeCommand();
      arrivedAt = performance.now();
      sent = 0;
    });
    around(await classOf('adapters/uws/uws-socket.js', 'UwsSocket'), 'send', ([frame]) => {
      if (isOn && (frame as { bytes: Uint8Array }).bytes.length >= COMMAND_BYTES) sent += 1;
    });
  }
  times = [];
  perCommand = [];
  arrivedAt = 0;
  isOn = true;
}

/** @returns ms from arrival to the last frame’s send, and frames for a command (the median) */
export function stamped(): { readonly inside: Spread; readonly frames: number } {
  closeCommand();
  isOn = false;
  return { inside: spreadOf(times), frames: spreadOf(perCommand).p50 };
}
