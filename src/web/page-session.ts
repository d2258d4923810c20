// Owns what the page is doing: which screen stands, the one connection and the one open room; must not know how screens look.
import { effect, signal, type ReadonlySignal } from '@preact/signals';
import type { RoomId } from '../../protocol/ids.ts';
import type { Preset } from '../../protocol/schemas/room.ts';
import { pathOf, targetOf } from './address.ts';
import { Guest } from './guest.ts';
import { Notices } from './notices.ts';
import type { PageApi, PageClient, PageRoom, PageSdk, RoomTarget } from './page-sdk.ts';
import { RoomModel } from './room-model.ts';

export type Screen =
  | { readonly kind: 'landing' }
  /** A link leads to a room, but nobody has a name yet. */
  | { readonly kind: 'name'; readonly target: RoomTarget }
  | { readonly kind: 'opening'; readonly client?: PageClient }
  | {
      readonly kind: 'door';
      readonly target: RoomTarget;
      readonly knock: 'ask' | 'waiting' | 'refused';
    }
  | { readonly kind: 'room'; readonly model: RoomModel }
  /** Over, or never begun; `again` where trying once more may help. */
  | { readonly kind: 'ended'; readonly reason: string; readonly again?: RoomTarget };

export class PageSession {
  readonly notices = new Notices();
  readonly guest: Guest;
  readonly api: PageApi;
  readonly #sdk: PageSdk;
  readonly #window: Window;
  readonly #screen = signal<Screen>({ kind: 'landing' });
  #client: PageClient | undefined;
  #stopWaiting: (() => void) | undefined;
  /** Which attempt is the latest: an older one that comes back late changes nothing. */
  #attempt = 0;

  constructor(sdk: PageSdk, page: Window) {
    this.#sdk = sdk;
    this.#window = page;
    this.guest = new Guest(() => Date.now());
    this.api = sdk.api(() => this.guest.storedToken);
  }

  get screen(): ReadonlySignal<Screen> {
    return this.#screen;
  }

  /** Shows what the address asks for, and follows it from then on. */
  start(): void {
    this.#window.addEventListener('popstate', () => this.#followAddress());
    this.#followAddress();
  }

  /** @param name for a guest who has none yet, or another one */
  async createRoom(name: string, roomName: string, preset: Preset): Promise<void> {
    await this.#open(name, (client) => client.createRoom({ name: roomName, preset }));
  }

  async enter(name: string, target: RoomTarget): Promise<void> {
    this.#go(pathOf(target));
    await this.#open(name, (client) => client.joinRoom(target), target);
  }

  async knock(target: RoomTarget): Promise<void> {
    const client = this.#client;
    const name = this.guest.name;
    if (client === undefined || name === undefined) return;
    const attempt = this.#attempt;
    let knockedAt: RoomId;
    try {
      const { roomId, status } = await client.request('room.knock', { code: target.code });
      knockedAt = roomId;
      if (attempt !== this.#attempt) return;
      if (status === 'admitted') {
        await this.enter(name, target);
        return;
      }
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error, target);
      else if (this.#sdk.codeOf(error) === undefined) throw error;
      return;
    }
    this.#show({ kind: 'door', target, knock: 'waiting' });
    const stops = [
      client.onAdmitted(({ roomId, accept }) => {
        if (roomId !== knockedAt) return;
        if (accept) void this.enter(name, target);
        else this.#show({ kind: 'door', target, knock: 'refused' });
      }),
      client.connection.subscribe((connection) => {
        // An answer that came while the connection was away is told to whoever knocks again.
        if (connection.phase === 'connected') void this.knock(target);
        else if (connection.phase === 'closed') this.#end(connection.cause, target);
      }),
    ];
    this.#stopWaiting = () => {
      for (const stop of stops) stop();
    };
  }

  /** Back to the first page; an open room is left. */
  leave(): void {
    this.#attempt += 1;
    this.#leaveRoom();
    this.#go('/');
    this.#show({ kind: 'landing' });
  }

  #followAddress(): void {
    const target = targetOf(new URL(this.#window.location.href));
    const screen = this.#screen.value;
    if (target === undefined) {
      if (screen.kind === 'room') this.leave();
      else this.#show({ kind: 'landing' });
    } else if (this.guest.name === undefined) {
      this.#show({ kind: 'name', target });
    } else if (screen.kind !== 'room' || screen.model.details.value.code !== target.code) {
      void this.enter(this.guest.name, target);
    }
  }

  async #open(
    name: string,
    get: (client: PageClient) => Promise<PageRoom>,
    target?: RoomTarget,
  ): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#leaveRoom();
    this.#show({ kind: 'opening' });
    try {
      const client = await this.#connected(name);
      if (attempt !== this.#attempt) return;
      const room = await get(client);
      if (attempt !== this.#attempt) {
        await room.leave();
        return;
      }
      this.#showRoom(client, room);
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error, target);
      else if (this.#sdk.codeOf(error) === undefined) throw error;
    }
  }

  async #connected(name: string): Promise<PageClient> {
    // The socket carries the name of its hello: another name needs another socket.
    if (this.guest.name !== name) this.#disconnect();
    try {
      return await this.#connectAs(name);
    } catch (error) {
      if (this.#causeOf(error) !== 'unauthorised') throw error;
      // A hub that was set up anew knows none of its old guests.
      this.guest.expire();
      return await this.#connectAs(name);
    }
  }

  async #connectAs(name: string): Promise<PageClient> {
    await this.guest.rename(this.api, name);
    if (this.#client !== undefined && this.#client.connection.value.phase !== 'closed') {
      return this.#client;
    }
    return this.#connect();
  }

  async #connect(): Promise<PageClient> {
    this.#client?.close();
    const client = this.#sdk.client(() => this.guest.token(this.api));
    this.#client = client;
    if (this.#screen.value.kind === 'opening') this.#screen.value = { kind: 'opening', client };
    await client.connect();
    return client;
  }

  #showRoom(client: PageClient, room: PageRoom): void {
    const model = new RoomModel({
      room,
      client,
      player: this.#sdk.player(client, room),
      api: this.api,
      notices: this.notices,
      codeOf: (error) => this.#sdk.codeOf(error),
    });
    const code = model.details.value.code;
    if (targetOf(new URL(this.#window.location.href))?.code !== code) this.#go(pathOf({ code }));
    this.#show({ kind: 'room', model });
    // Both ends are looked at: the room may be over, or the connection for good.
    const stop = effect(() => {
      const { status, leftReason } = model.view.value;
      const connection = model.connection.value;
      const current = this.#screen.peek();
      if (current.kind !== 'room' || current.model !== model) return;
      if (connection.phase === 'closed') {
        this.#end(connection.cause, { code });
      } else if (status === 'left' && leftReason !== 'left') {
        this.#end(leftReason ?? 'closed', { code });
      }
    });
    this.#stopWaiting = stop;
  }

  #end(reason: string, again: RoomTarget): void {
    const mayRetry = !['kicked', 'banned', 'closed', 'room_closed'].includes(reason);
    // Out of the effect that brought us here: it reads what is stopped below.
    queueMicrotask(() => this.#show({ kind: 'ended', reason, ...(mayRetry ? { again } : {}) }));
  }

  /** The close code says more than the error that it becomes. */
  #causeOf(error: unknown): string | undefined {
    const code = this.#sdk.codeOf(error);
    const connection = this.#client?.connection.value;
    return code !== undefined && connection?.phase === 'closed' && connection.code !== undefined
      ? connection.cause
      : code;
  }

  #fail(error: unknown, target: RoomTarget | undefined): void {
    const code = this.#causeOf(error);
    if (code === undefined) {
      this.#show({ kind: 'ended', reason: 'internal', ...(target && { again: target }) });
      throw error;
    }
    if (code === 'invite_needed' && target !== undefined) {
      this.#show({ kind: 'door', target, knock: 'ask' });
    } else {
      this.#show({ kind: 'ended', reason: code, ...(target && { again: target }) });
    }
  }

  #show(next: Screen): void {
    const before = this.#screen.value;
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#screen.value = next;
    if (before.kind === 'room' && (next.kind !== 'room' || next.model !== before.model)) {
      before.model.stop();
    }
  }

  #leaveRoom(): void {
    const screen = this.#screen.value;
    if (screen.kind !== 'room') return;
    const { model } = screen;
    model.run(() => model.room.leave());
  }

  #disconnect(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #go(path: string): void {
    const { location, history } = this.#window;
    if (location.pathname + location.search === path) return;
    history.pushState(null, '', path);
  }
}
