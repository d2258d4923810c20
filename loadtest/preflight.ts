// Owns what is looked at before anybody is sent anywhere: limits of this machine that the run would meet, and whether the hub takes one
// listener. What would fail later is named here, with what mends it.
import { readFileSync } from 'node:fs';
import { LeanSocket, type Target } from './wire/lean-socket.ts';

/** Files that the process itself needs: modules, pipes, the report. */
const OWN_FILES = 200;
const TRIAL_MS = 10_000;

export interface SocketsWanted {
  readonly sockets: number;
  readonly targets: number;
  readonly sourceAddresses: number;
}

/** Limits that so many sockets would meet, each with its remedy; empty where there is none, or where the system does not tell. */
export function limitsMet({ sockets, targets, sourceAddresses }: SocketsWanted): string[] {
  const met: string[] = [];
  const files = openFilesLimit();
  const needed = sockets + OWN_FILES;
  if (files !== undefined && needed > files) {
    met.push(
      `${sockets} sockets need ${needed} open files, and this shell allows ${files}: run "ulimit -n ${needed}" before it (as root where the hard limit is lower)`,
    );
  }
  const ports = localPorts();
  const places = ports === undefined ? Infinity : ports * targets * Math.max(1, sourceAddresses);
  if (sockets > places) {
    const more = Math.ceil(sockets / (places / Math.max(1, sourceAddresses)));
    met.push(
      `${sockets} sockets need as many local ports, and there are ${places}: give ${more} addresses with --source-address (127.0.0.2, 127.0.0.3 … for a hub on this machine), or run "sysctl -w net.ipv4.ip_local_port_range='1024 65535'"`,
    );
  }
  return met;
}

function openFilesLimit(): number | undefined {
  const line = readOrNothing('/proc/self/limits').match(/^Max open files\s+(\d+)/m);
  return line?.[1] === undefined ? undefined : Number(line[1]);
}

function localPorts(): number | undefined {
  const [from, to] = readOrNothing('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/);
  return from === undefined || to === undefined ? undefined : Number(to) - Number(from) + 1;
}

/** Elsewhere than on Linux there is no such file, and nothing is known. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Greets the hub once. @throws with words where it does not take a listener */
export async function tryOut(target: Target, token: string): Promise<void> {
  const { isSecure, authority } = target;
  const address = `${isSecure ? 'wss' : 'ws'}://${authority}`;
  await new Promise<void>((resolve, reject) => {
    let refusal = '';
    const timer = setTimeout(() => {
      socket.cut();
      reject(new Error(`${address} did not answer a hello within ${TRIAL_MS} ms`));
    }, TRIAL_MS);
    const socket = new LeanSocket(target, {
      opened: () => {
        const client = { name: 'earshot-loadtest', version: '1' };
        socket.sendText(JSON.stringify({ id: 1, type: 'hello', token, client }));
      },
      text: (payload) => {
        const reply = JSON.parse(payload.toString()) as Record<string, unknown>;
        if (reply['type'] === 'ok') {
          clearTimeout(timer);
          socket.close();
          resolve();
        } else if (reply['type'] === 'error') {
          refusal = `${String(reply['code'])}: ${String(reply['message'])}`;
        }
      },
      binary: () => undefined,
      ended: ({ code, reason }) => {
        clearTimeout(timer);
        const why = refusal === '' ? `${reason} (${code})` : refusal;
        reject(new Error(`${address} does not take a listener: ${why}`));
      },
    });
  });
}
