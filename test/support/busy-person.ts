// Somebody in a room who does one thing after the other, sends again what was not answered, and remembers what was acknowledged.
import { WebSocket } from 'ws';
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import type { RequestBody } from '../../protocol/schemas/requests.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { EarshotClient, EarshotError, type Room } from '../../src/client/client.ts';
import { guestToken } from './wire-client.ts';

const EACH_MS = 40;
const AGAIN_MS = 200;

interface Done {
  /** ms, of `performance.now`. */
  readonly at: number;
  readonly names: readonly string[];
  readonly texts: readonly string[];
  readonly entryIds: readonly string[];
}

export class BusyPerson {
  readonly client: EarshotClient;
  readonly acknowledged: Done[] = [];
  /** What they were refused on the way, by code; and each status of the room that they have seen. */
  readonly refusals: EarshotError[] = [];
  readonly statuses = new Set<string>();
  readonly #name: string;
  readonly #tracks: readonly TrackId[];
  readonly #sockets: { opened: number };
  #room: Room | undefined;
  #done = 0;
  #acting: Promise<void> | undefined;
  #isOver = false;
  #isGone = false;

  private constructor(
    name: string,
    client: EarshotClient,
    tracks: readonly TrackId[],
    sockets: { opened: number },
  ) {
    this.#name = name;
    this.client = client;
    this.#tracks = tracks;
    this.#sockets = sockets;
  }

  /** @param tracks that they add */
  static async enter(url: string, name: string, tracks: readonly TrackId[]): Promise<BusyPerson> {
    const { token } = await guestToken(url, name);
    const sockets = { opened: 0 };
    class CountedSocket extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        sockets.opened += 1;
      }
    }
    const client = new EarshotClient({ url, token, platform: { WebSocket: CountedSocket } });
    await client.connect();
    return new BusyPerson(name, client, tracks, sockets);
  }

  get room(): Room {
    if (this.#room === undefined) throw new Error('they are in no room');
    return this.#room;
  }

  get socketsOpened(): number {
    return this.#sockets.opened;
  }

  /** What they hold of the room, to compare. */
  get copy(): { readonly epoch: number; readonly revision: number; readonly hash: string } {
    const { epoch, revision, room } = this.room.view.value;
    return { epoch, revision, hash: stateHash(room) };
  }

  async create(name: string): Promise<RoomId> {
    return this.#enter(await this.client.createRoom({ name, preset: 'party' }));
  }

  async join(roomId: RoomId): Promise<void> {
    this.#enter(await this.client.joinRoom({ roomId }));
  }

  start(): void {
    this.#isOver = false;
    this.#acting = this.#act().catch((error: unknown) => {
      if (!this.#isGone) throw error;
    });
  }

  /** Resolves when the last thing is answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#acting;
  }

  /** Whatever is not answered yet stays so. */
  async leave(): Promise<void> {
    this.#isGone = true;
    this.client.close();
    await this.stop();
  }

  /** Since a time, of `performance.now`. */
  countSince(at: number): number {
    return this.acknowledged.filter((done) => done.at >= at).length;
  }

  #enter(room: Room): RoomId {
    this.#room = room;
    this.statuses.add(room.view.value.status);
    room.view.subscribe(({ status }) => this.statuses.add(status));
    return room.id;
  }

  async #act(): Promise<void> {
    while (!this.#isOver) {
      this.#done += 1;
      const mark = `${this.#name} ${this.#done}`;
      const nothing = { names: [], texts: [], entryIds: [] };
      const kind = this.#done % 3;
      if (kind === 0) {
        const trackIds = this.#tracks.slice(0, 1);
        const { entryIds } = await this.#surely('queue.add', { roomId: this.room.id, trackIds });
        this.#acknowledge({ ...nothing, entryIds });
      } else if (kind === 1 && this.room.view.value.room.hostId === this.room.userId) {
        await this.#surely('room.update', { roomId: this.room.id, name: mark });
        this.#acknowledge({ ...nothing, names: [mark] });
      } else {
        await this.#surely('chat.send', { roomId: this.room.id, text: mark });
        this.#acknowledge({ ...nothing, texts: [mark] });
      }
      await new Promise((resolve) => setTimeout(resolve, EACH_MS));
    }
  }

  #acknowledge(done: Omit<Done, 'at'>): void {
    this.acknowledged.push({ ...done, at: performance.now() });
  }

  async #surely<T extends 'queue.add' | 'room.update' | 'chat.send'>(
    type: T,
    body: RequestBody<T>,
  ) {
    const key = `${this.#name.replaceAll(' ', '-')}-${this.#done}-and-no-other`;
    for (;;) {
      try {
        return await this.client.request(type, body, { key });
      } catch (error) {
        if (!(error instanceof EarshotError) || !error.retryable) throw error;
        this.refusals.push(error);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }
}
