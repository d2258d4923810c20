// The SDK over the real hub in one process: fake sockets, memory stores, time moved by the test. Cut off at random moments, all
// clients end with the hub's state.
import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import { playOrder } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { EarshotClient, EarshotError } from '../../src/client/client.ts';
import type { Platform, SocketLike } from '../../src/client/platform.ts';
import type { Room } from '../../src/client/room.ts';
import type { SendOutcome, Frame } from '../../src/ports/sockets.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { HubWorld, trackId, userId } from '../support/hub-world.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** The hub's end of a socket whose other end is the SDK's. */
class JoinedSocket extends FakeSocket {
  onFrame: ((frame: Frame) => void) | undefined;
  /** Frames vanish, as on a network that is gone without a word. */
  isCut = false;

  override send(frame: Frame): SendOutcome {
    if (!this.isOpen) return 'closed';
    if (!this.isCut) this.onFrame?.(frame);
    return 'sent';
  }
}

class Net {
  readonly world = new HubWorld({ presenceGraceMs: 15_000 });
  readonly sockets = new Set<JoinedSocket>();
  readonly clients: EarshotClient[] = [];
  readonly random: SeededRandom;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  async client(n: number): Promise<EarshotClient> {
    const client = new EarshotClient({
      url: 'http://hub.test',
      token: `${userId(n)}|User ${n}`,
      platform: this.#platform(),
    });
    this.clients.push(client);
    const connected = client.connect();
    await this.settle();
    await connected;
    return client;
  }

  /** Waits for `promise` while the hub does its part at this very time. */
  async done<T>(promise: Promise<T>): Promise<T> {
    const [value] = await Promise.all([promise, this.settle()]);
    return value;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 4; i += 1) await this.world.time.settle();
  }

  #platform(): Partial<Platform> {
    const { world, sockets, random } = this;
    const { time } = world;
    class HubSocket implements SocketLike {
      binaryType = 'blob';
      readonly #socket = new JoinedSocket();
      readonly #listeners = new Map<string, ((event: Record<string, unknown>) => void)[]>();
      constructor() {
        sockets.add(this.#socket);
        this.#socket.onFrame = ({ bytes, isBinary }) => {
          const copy = bytes.slice();
          // Delivered within the tick, several in a row, as the package ws does.
          this.#later(() =>
            this.#emit('message', {
              data: isBinary ? copy.buffer : new TextDecoder().decode(copy),
            }),
          );
        };
        this.#socket.onClose = (code, reason) => {
          sockets.delete(this.#socket);
          world.hub.closed(this.#socket);
          this.#later(() => this.#emit('close', { code, reason }));
        };
        this.#later(() => {
          world.hub.opened(this.#socket, {
            remoteAddress: '127.0.0.1',
            origin: undefined,
            headers: new Map(),
            query: '',
          });
          this.#emit('open', {});
        });
      }
      addEventListener(type: string, listener: unknown): void {
        const all = this.#listeners.get(type) ?? [];
        this.#listeners.set(type, [...all, listener as (event: object) => void]);
      }
      send(data: string | Uint8Array): void {
        if (!this.#socket.isOpen) throw new Error('the socket is closed');
        if (this.#socket.isCut) return;
        const isBinary = typeof data !== 'string';
        const bytes = isBinary ? data.slice() : new TextEncoder().encode(data);
        this.#later(() => world.hub.message(this.#socket, bytes, isBinary));
      }
      close(): void {
        this.#later(() => this.#socket.terminate());
      }
      #later(call: () => void): void {
        time.after(0, call);
      }
      #emit(type: string, event: Record<string, unknown>): void {
        for (const listener of this.#listeners.get(type) ?? []) listener(event);
      }
    }
    return {
      WebSocket: HubSocket,
      performanceNow: () => time.now() - 900_000,
      wallNow: () => time.now(),
      setTimeout: (callback, delayMs) => time.after(delayMs, callback),
      clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
      random: () => random.next(),
      isHidden: () => false,
      onVisibilityChange: () => () => undefined,
      onNetworkChange: () => () => undefined,
    };
  }
}

async function enter(net: Net, client: EarshotClient, code: string): Promise<Room> {
  const joining = client.joinRoom({ code });
  await net.world.time.advance(10);
  return joining;
}

describe('over the real hub', () => {
  it('plays, talks and leaves, and everybody sees it', async () => {
    const net = new Net(1);
    const ana = net.client(1);
    await net.world.time.advance(3_000);
    const host = await ana;
    const creating = host.createRoom({ name: 'Friday' });
    await net.world.time.advance(10);
    const room = await creating;
    const connecting = net.client(2);
    await net.world.time.advance(3_000);
    const ben = await enter(net, await connecting, room.view.value.room.code);
    const events: string[] = [];
    ben.onEvent(({ type }) => events.push(type));

    const adding = room.add([trackId(1), trackId(2)]);
    await net.world.time.advance(10);
    const [first, second] = await adding;
    expect(playOrder(ben.view.value.room)).toEqual([first, second]);
    const playing = ben.play();
    await net.world.time.advance(10_000);
    await playing;
    expect(room.anchorNow()).toMatchObject({ state: 'playing', entryId: first });
    const position = room.positionNow();
    expect(position).toBeGreaterThan(5_000);
    expect(ben.positionNow()).toBeCloseTo(position!, 0);
    const skipping = ben.skip();
    await net.world.time.advance(5_000);
    await skipping;
    expect(room.anchorNow()).toMatchObject({ state: 'playing', entryId: second });
    void room.chat('hello');
    await net.world.time.advance(300);
    expect(ben.view.value.chat.items).toMatchObject([{ kind: 'message', text: 'hello' }]);
    expect(Object.keys(room.view.value.presence.members)).toHaveLength(2);
    expect(events).toContain('QueueAdded');

    const kicking = room.kick(ben.userId);
    await net.world.time.advance(300);
    await kicking;
    expect(ben.view.value).toMatchObject({ status: 'left', leftReason: 'kicked' });
    for (const client of net.clients) client.close();
  });

  it.each([11, 12, 13, 14])(
    'ends with the hub’s state, however often it is cut (seed %i)',
    async (seed) => {
      const net = new Net(seed);
      const { random, world } = net;
      const pick = (below: number): number => Math.floor(random.next() * below);
      const starting = net.client(1);
      await world.time.advance(50);
      const creating = (await starting).createRoom({ name: 'Stormy' });
      await world.time.advance(50);
      const rooms = [await creating];
      for (let n = 2; n <= 5; n += 1) {
        const connecting = net.client(n);
        await world.time.advance(50);
        rooms.push(await enter(net, await connecting, rooms[0]!.view.value.room.code));
      }
      const asked: Promise<unknown>[] = [];
      const unexpected: unknown[] = [];
      let added = 0;
      const sent: string[] = [];
      const ask = (promise: Promise<unknown>): void => {
        asked.push(
          promise.catch((error: unknown) => {
            if (!(error instanceof EarshotError)) unexpected.push(error);
          }),
        );
      };
      for (let step = 0; step < 120; step += 1) {
        const room = rooms[pick(rooms.length)]!;
        const { queue } = room.view.value.room;
        const entries = playOrder({ queue, playback: room.view.value.room.playback });
        switch (pick(8)) {
          case 0:
          case 1:
            ask(room.add([trackId(pick(50)) satisfies TrackId]).then(() => (added += 1)));
            break;
          case 2: {
            const text = `message ${step}`;
            ask(room.chat(text).then(() => sent.push(text)));
            break;
          }
          case 3:
            ask(room.play());
            break;
          case 4:
            ask(room.skip());
            break;
          case 5:
            if (entries.length > 0) ask(room.vote(entries[pick(entries.length)]!, 1));
            break;
          case 6: {
            const socket = [...net.sockets][pick(net.sockets.size)];
            if (socket !== undefined && random.next() < 0.5) socket.isCut = true;
            else socket?.terminate();
            break;
          }
          default:
            ask(room.update({ name: `Name ${step}` }));
        }
        await world.time.advance(pick(400));
      }
      await world.time.advance(90_000);
      await Promise.all(asked);
      expect(unexpected).toEqual([]);

      const live = world.hub.rooms.get(rooms[0]!.id);
      const truth = stateHash(live!.state.public);
      expect(rooms.map(({ view }) => stateHash(view.value.room))).toEqual(rooms.map(() => truth));
      // It was a storm indeed.
      expect(world.hub.metrics.resumes).toBeGreaterThan(5);
      for (const { view } of rooms) {
        expect(view.value.status).toBe('joined');
        expect(view.value.revision).toBe(rooms[0]!.view.value.revision);
        const texts = view.value.chat.items.map((item) =>
          item.kind === 'message' ? item.text : '',
        );
        // Once each, in spite of all the sending again.
        expect(new Set(texts).size).toBe(texts.length);
        for (const text of sent) expect(texts).toContain(text);
        const { lastSeq, items } = view.value.chat;
        expect(items.map(({ seq }) => seq)).toEqual(
          Array.from({ length: lastSeq }, (_, i) => i + 1),
        );
      }
      expect(added).toBeGreaterThan(5);
      for (const client of net.clients) {
        expect(client.counts.mismatches).toBe(0);
        expect(client.counts.malformedFrames).toBe(0);
        client.close();
      }
    },
  );
});
