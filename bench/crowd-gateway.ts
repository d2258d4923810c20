// A process of `npm run bench:generator`: stands between the load test and a real hub with one socket of its own, and tells whatever the hub tells
// that one to everybody who came. So a listener costs next to nothing here, and what is measured is who listens. One frame of all
// can be made wrong on its way.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import uws, { type HttpRequest, type HttpResponse, type WebSocket } from 'uWebSockets.js';
import { WebSocket as Upstream } from 'ws';
import type { Joined } from '../protocol/schemas/pushes.ts';
import { headEntryId } from '../protocol/timeline-head.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { obeyOrders } from './append-child.ts';
import { paced } from './pace.ts';

export const FAULTS = ['lose', 'double', 'reorder', 'delay', 'leak'] as const;
export type Fault = (typeof FAULTS)[number];

export type GatewayOrder =
  | {
      readonly kind: 'open';
      readonly hubPort: number;
      /** What came within so many ms goes out in one write. */
      readonly gatherMs: number;
      /** The frame that is made wrong, of all that go to anybody. */
      readonly fault?: { readonly kind: Fault; readonly frame: number };
    }
  /** Seeks in a room for those who cannot: who was known first plays `trackId` there. */
  | {
      readonly kind: 'seek';
      readonly roomId: string;
      readonly trackId: string;
      readonly perSecond: number;
      readonly seconds: number;
    }
  | { readonly kind: 'count' };
export type GatewayReport =
  | { readonly kind: 'opened'; readonly port: number }
  | { readonly kind: 'sought' }
  | { readonly kind: 'counted'; readonly frames: number; readonly cpuMs: number };

type SeekOrder = Extract<GatewayOrder, { kind: 'seek' }>;

/** Nothing is kept with a socket. */
type Person = Readonly<Record<string, never>>;
type Client = WebSocket<Person>;
type Message = Readonly<Record<string, unknown>>;

/** `{"id":` begins an answer, `{"type":` what nobody asked for. */
const ANSWER = '{"id":';
/** Long enough to be missed and asked for again before it comes. */
const DELAY_MS = 900;
const OTHER_ROOM = '00000000-0000-4000-8000-000000000000';

class CrowdGateway {
  readonly #order: Extract<GatewayOrder, { kind: 'open' }>;
  readonly #inside = new Set<Client>();
  /** Whose probes are under way: the hub answers them in order. */
  readonly #probing: Client[] = [];
  readonly #asked = new Map<number, (answer: Message) => void>();
  #upstream: Promise<Upstream> | undefined;
  #greeting: Message = {};
  #gathered: string[] = [];
  #lastId = 0;
  #arrivals = 0;
  #frames = 0;

  constructor(order: Extract<GatewayOrder, { kind: 'open' }>) {
    this.#order = order;
  }

  get frames(): number {
    return this.#frames;
  }

  /** @returns the port */
  listen(): Promise<number> {
    const app = uws.App();
    app.ws<Person>(SOCKET_PATH, {
      compression: uws.DISABLED,
      maxBackpressure: 0,
      upgrade: (res, req, context) => {
        res.upgrade<Person>(
          {},
          req.getHeader('sec-websocket-key'),
          SUBPROTOCOL,
          req.getHeader('sec-websocket-extensions'),
          context,
        );
      },
      message: (client, data, isBinary) => {
        if (isBinary) this.#onProbe(client, data);
        else this.#onRequest(client, Buffer.from(data).toString());
      },
      close: (client) => this.#inside.delete(client),
    });
    app.any('/*', (res, req) => this.#passOn(res, req));
    return new Promise((resolve) => {
      app.listen('127.0.0.1', 0, (token) => {
        resolve(token === false ? 0 : uws.us_socket_local_port(token));
      });
    });
  }

  async seek({ roomId, trackId, perSecond, seconds }: SeekOrder): Promise<void> {
    const act = (request: Message): Promise<Message> =>
      new Promise((resolve) => this.#ask({ ...request, roomId }, resolve));
    await act({ type: 'queue.add', trackIds: [trackId] });
    await act({ type: 'playback.play' });
    const { snapshot } = (await act({ type: 'room.join' })) as unknown as Joined;
    const { now } = this.#greeting['hub'] as { readonly now: number };
    const entryId = snapshot === undefined ? undefined : headEntryId(snapshot.room, now);
    if (entryId === undefined) throw new Error('nothing plays that could be sought in');
    await paced(perSecond, seconds, (n) => {
      void act({ type: 'playback.seek', entryId, positionMs: 1_000 + (n % 60) * 1_000 });
    });
  }

  #onRequest(client: Client, text: string): void {
    const { id, ...request } = JSON.parse(text) as Message;
    const answer = (reply: Message): void => {
      if (request['type'] === 'room.join') this.#enter(client);
      send(client, JSON.stringify({ ...reply, id }));
    };
    if (request['type'] === 'room.leave') this.#inside.delete(client);
    if (request['type'] === 'hello') void this.#greet(request).then(answer, () => undefined);
    else this.#ask(request, answer);
  }

  #onProbe(client: Client, data: ArrayBuffer): void {
    // The bytes are uWebSockets.js' own, and gone after the call.
    const probe = Buffer.from(Buffer.from(data));
    void this.#upstream?.then((upstream) => {
      this.#probing.push(client);
      upstream.send(probe);
    });
  }

  /** The first who comes is the one that the hub knows. */
  async #greet(hello: Message): Promise<Message> {
    this.#upstream ??= this.#connect(hello);
    await this.#upstream;
    this.#arrivals += 1;
    return { ...this.#greeting, connectionId: `c${this.#arrivals}` };
  }

  async #connect(hello: Message): Promise<Upstream> {
    const upstream = new Upstream(`ws://127.0.0.1:${this.#order.hubPort}${SOCKET_PATH}`, [
      SUBPROTOCOL,
    ]);
    upstream.on('message', (data: Buffer, isBinary) => {
      if (isBinary) send(this.#probing.shift(), data);
      else this.#onTold(data.toString());
    });
    await once(upstream, 'open');
    this.#greeting = await new Promise<Message>((resolve) => {
      upstream.send(this.#asking(hello, resolve));
    });
    return upstream;
  }

  /** Once the hub knows who asks. */
  #ask(request: Message, answer: (reply: Message) => void): void {
    void this.#upstream?.then((upstream) => upstream.send(this.#asking(request, answer)));
  }

  #asking(request: Message, answer: (reply: Message) => void): string {
    this.#lastId += 1;
    this.#asked.set(this.#lastId, answer);
    return JSON.stringify({ id: this.#lastId, ...request });
  }

  #onTold(text: string): void {
    if (text.startsWith(ANSWER)) {
      const answer = JSON.parse(text) as Message & { readonly id: number };
      this.#asked.get(answer.id)?.(answer);
      this.#asked.delete(answer.id);
      return;
    }
    this.#gathered.push(text);
    if (this.#gathered.length > 1) return;
    if (this.#order.gatherMs === 0) this.#flush();
    else setTimeout(() => this.#flush(), this.#order.gatherMs);
  }

  /** What was told before somebody came in is in what they are answered. */
  #enter(client: Client): void {
    this.#flush();
    this.#inside.add(client);
  }

  #flush(): void {
    const frames = this.#gathered;
    this.#gathered = [];
    const { fault } = this.#order;
    for (const client of this.#inside) {
      const isHere = fault !== undefined && this.#isBetween(fault.frame, frames.length);
      const sent = isHere ? this.#tampered(client, frames, fault) : frames;
      this.#frames += frames.length;
      client.cork(() => {
        for (const frame of sent) client.send(frame);
      });
    }
  }

  #isBetween(frame: number, count: number): boolean {
    return frame > this.#frames && frame <= this.#frames + count;
  }

  #tampered(
    client: Client,
    frames: readonly string[],
    fault: { readonly kind: Fault; readonly frame: number },
  ): string[] {
    const at = fault.frame - this.#frames - 1;
    const wrong = frames[at] ?? '';
    const [before, after] = [frames.slice(0, at), frames.slice(at + 1)];
    switch (fault.kind) {
      case 'lose':
        return [...before, ...after];
      case 'double':
        return [...before, wrong, wrong, ...after];
      case 'reorder':
        setTimeout(() => send(client, wrong), this.#order.gatherMs + 1);
        return [...before, ...after];
      case 'delay':
        setTimeout(() => send(client, wrong), DELAY_MS);
        return [...before, ...after];
      case 'leak':
        return [
          ...before,
          wrong,
          wrong.replace(/"roomId":"[^"]+"/, `"roomId":"${OTHER_ROOM}"`),
          ...after,
        ];
    }
  }

  #passOn(res: HttpResponse, req: HttpRequest): void {
    const headers: Record<string, string> = {};
    req.forEach((name, value) => (headers[name] = value));
    const [path, query] = [req.getUrl(), req.getQuery()];
    const onward = httpRequest({
      ...{ port: this.#order.hubPort, method: req.getMethod().toUpperCase(), headers },
      path: query === '' ? path : `${path}?${query}`,
    });
    let isAborted = false;
    res.onAborted(() => {
      isAborted = true;
      onward.destroy();
    });
    res.onData((chunk, isLast) => {
      onward.write(Buffer.from(Buffer.from(chunk)));
      if (isLast) onward.end();
    });
    onward.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (isAborted) return;
        res.cork(() => {
          res.writeStatus(`${answer.statusCode ?? 502} ${answer.statusMessage ?? ''}`);
          res.writeHeader('content-type', answer.headers['content-type'] ?? 'text/plain');
          res.end(Buffer.concat(chunks));
        });
      });
    });
    onward.on('error', () => {
      if (!isAborted) res.close();
    });
  }
}

function send(client: Client | undefined, message: string | Buffer): void {
  try {
    client?.send(message, typeof message !== 'string');
  } catch {
    // uWebSockets.js throws where the socket is gone meanwhile; who sent for it is gone as well.
  }
}

let gateway: CrowdGateway | undefined;

obeyOrders(async (order: GatewayOrder): Promise<GatewayReport> => {
  if (order.kind === 'open') {
    gateway = new CrowdGateway(order);
    return { kind: 'opened', port: await gateway.listen() };
  }
  if (order.kind === 'seek') {
    await gateway?.seek(order);
    return { kind: 'sought' };
  }
  const { user, system } = process.cpuUsage();
  return { kind: 'counted', frames: gateway?.frames ?? 0, cpuMs: (user + system) / 1_000 };
});
