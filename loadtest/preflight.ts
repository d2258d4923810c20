// Owns what is looked at before anybody is sent anywhere: limits of this machine that the run would meet, and whether the hub takes one
// listener. What would fail later is named here, with what mends it.
import { readFileSync } from 'node:fs';
import type { Scenario } from './scenario/scenario.ts';
import { LeanSocket, type SocketListener, type Target } from './wire/lean-socket.ts';

/** Files that the process itself needs: modules, pipes, the report. */
const OWN_FILES = 200;
const TRIAL_MS = 10_000;

export interface SocketsWanted {
  readonly sockets: number;
  readonly targets: number;
  readonly sourceAddresses: number;
}

export interface Asked {
  readonly scenario: Scenario;
  readonly hubPids: readonly number[];
  readonly drainPids: readonly number[];
  readonly findLimit: object | undefined;
}

/** What is asked for and cannot be, in words. */
export function refusalsOf({ scenario, hubPids, drainPids, findLimit }: Asked): string[] {
  const refusals: (string | undefined)[] = [];
  if (findLimit !== undefined) refusals.push(searchRefusal(scenario));
  const drains = scenario.phases.some(({ event }) => event === 'drain');
  if (drains && findLimit === undefined && drainPids.length === 0) {
    refusals.push(`${scenario.name} drains hubs: name their processes with --drain`);
  }
  for (const pid of hubPids) {
    if (reachOf(pid) === 'none') refusals.push(`--hub-pid: there is no process ${pid}`);
  }
  for (const pid of drainPids) {
    const reach = reachOf(pid);
    if (reach === 'none') refusals.push(`--drain: there is no process ${pid}`);
    if (reach === 'foreign') refusals.push(`--drain: process ${pid} may not be told by this user`);
  }
  return refusals.filter((refusal) => refusal !== undefined);
}

/** Why there is nothing to search for, in words; undefined where there is. */
function searchRefusal({ name, thresholds, phases }: Scenario): string | undefined {
  if (thresholds.length === 0) {
    return `${name} has no thresholds that are judged: a search for the limit needs one that may break`;
  }
  return phases.some(({ event }) => event === 'drain')
    ? `${name} drains hubs, which it can do once only: its limit cannot be searched for`
    : undefined;
}

function reachOf(pid: number): 'own' | 'foreign' | 'none' {
  try {
    process.kill(pid, 0);
    return 'own';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? 'foreign' : 'none';
  }
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
  const places = portsFor(targets, sourceAddresses);
  if (sockets > places) {
    const more = Math.ceil(sockets / (places / Math.max(1, sourceAddresses)));
    met.push(
      `${sockets} sockets need as many local ports, and there are ${places}: give ${more} addresses with --source-address (127.0.0.2, 127.0.0.3 … for a hub on this machine), or run "sysctl -w net.ipv4.ip_local_port_range='1024 65535'"`,
    );
  }
  return met;
}

/** So many sockets this machine holds, as far as it tells. */
export function placesHere({ targets, sourceAddresses }: Omit<SocketsWanted, 'sockets'>): number {
  const files = openFilesLimit() ?? Infinity;
  return Math.max(0, Math.min(files - OWN_FILES, portsFor(targets, sourceAddresses)));
}

function portsFor(targets: number, sourceAddresses: number): number {
  return (localPorts() ?? Infinity) * targets * Math.max(1, sourceAddresses);
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

/** Greets the hub once, from an address of this machine's. @throws with words where it does not take a listener */
export async function tryOut(target: Target, token: string, from?: string): Promise<void> {
  const { isSecure, authority } = target;
  const hub = `${isSecure ? 'wss' : 'ws'}://${authority}`;
  const address = from === undefined ? hub : `${hub}, asked from ${from},`;
  await new Promise<void>((resolve, reject) => {
    let refusal = '';
    const timer = setTimeout(() => {
      socket.cut();
      reject(new Error(`${address} did not answer a hello within ${TRIAL_MS} ms`));
    }, TRIAL_MS);
    const listener: SocketListener = {
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
    };
    const socket = new LeanSocket(target, listener, from);
  });
}
