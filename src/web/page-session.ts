// Owns what the page is doing: which screen stands, and the one open room; must not know how screens look.
import { effect, signal, type ReadonlySignal } from '@preact/signals';
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import type { Preset } from '../../protocol/schemas/room.ts';
import { pathOf, placeOf, targetOf, type Place } from './address.ts';
import { Guest } from './guest.ts';
import { HubConnection } from './hub-connection.ts';
import { Notices } from './notices.ts';
import { enterOwnRoom, playAtOnce } from './own-room.ts';
import type { FeedItem } from './page-people.ts';
import type {
  CodeTarget,
  GuestGrant,
  PageApi,
  PageClient,
  PageRoom,
  PageSdk,
  RoomTarget,
} from './page-sdk.ts';
import { RoomModel } from './room-model.ts';
import { Social } from './social.ts';

export type Screen =
  | { readonly kind: 'landing' | 'me' }
  /** Somebody's link, or one that takes an account to this device. */
  | { readonly kind: 'add' | 'link'; readonly code: string }
  /** A link leads to a room, but nobody has a name yet. */
  | { readonly kind: 'name'; readonly target: CodeTarget }
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
  readonly social: Social;
  readonly #hub: HubConnection;
  readonly #sdk: PageSdk;
  readonly #window: Window;
  readonly #screen = signal<Screen>({ kind: 'landing' });
  #stopWaiting: (() => void) | undefined;
  /** Which attempt is the latest: an older one that comes back late changes nothing. */
  #attempt = 0;

  constructor(sdk: PageSdk, page: Window) {
    this.#sdk = sdk;
    this.#window = page;
    const codeOf = (error: unknown): string | undefined => this.codeOf(error);
    const token = (): string | undefined => this.guest.storedToken;
    this.guest = new Guest(() => Date.now(), codeOf);
    this.api = sdk.api(token);
    this.social = new Social({
      people: sdk.people?.(token),
      notices: this.notices,
      codeOf,
      ready: () => this.guest.token(this.api),
      onJoined: (roomId, name) => this.#onJoined(roomId, name),
    });
    this.#hub = new HubConnection({
      sdk,
      guest: this.guest,
      api: this.api,
      onClient: (client) => {
        this.social.attach(client);
        if (this.#screen.value.kind === 'opening') this.#screen.value = { kind: 'opening', client };
      },
    });
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
    if (target.code !== undefined) this.#go(pathOf(target));
    await this.#open(name, (client) => client.joinRoom(target), target);
  }

  /** Goes to where a friend listens; whoever listens alone gets a room for it. */
  async join(item: FeedItem): Promise<void> {
    const { name } = this.guest;
    if (name === undefined) return;
    if (item.join === 'solo') {
      await this.#open(name, async (client) => {
        if (client.feed === undefined) throw new Error('a friend is joined over a feed');
        return client.joinRoom({ roomId: await client.feed.join(item.activityId, item.user.id) });
      });
    } else if (item.room !== undefined) {
      const { roomId } = item.room;
      if (item.join === 'knock') await this.#reach(name, () => this.knock({ roomId }), { roomId });
      else await this.enter(name, { roomId });
    }
  }

  /** Plays `trackId` by oneself: in an own room that friends may enter. */
  async listenAlone(name: string, trackId: TrackId): Promise<void> {
    await this.#open(name, async (client) => {
      const room = await enterOwnRoom(client, name, (error) => this.codeOf(error));
      await playAtOnce(room, trackId);
      return room;
    });
    // Still within the press that chose the track: where the browser does not think so, it asks for another.
    const screen = this.#screen.value;
    if (screen.kind === 'room' && screen.model.playerState.value.mode === 'locked') {
      screen.model.tryToListen();
    }
  }

  async knock(target: RoomTarget): Promise<void> {
    const { client } = this.#hub;
    const name = this.guest.name;
    if (client === undefined || name === undefined) return;
    const attempt = this.#attempt;
    let knockedAt: RoomId;
    try {
      const where = target.code === undefined ? { roomId: target.roomId } : { code: target.code };
      const { roomId, status } = await client.request('room.knock', where);
      knockedAt = roomId;
      if (attempt !== this.#attempt) return;
      if (status === 'admitted') {
        await this.enter(name, target);
        return;
      }
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error, target);
      else if (this.codeOf(error) === undefined) throw error;
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
    this.visit('/');
  }

  /** Goes to an address of the page; an open room is left. */
  visit(path: string): void {
    this.#go(path);
    this.#followAddress();
  }

  /** The refusal's code where `error` is one of the SDK's. */
  codeOf(error: unknown): string | undefined {
    return this.#sdk.codeOf(error);
  }

  /** Becomes the person under `name`, who may be new. @throws the SDK's error */
  async introduce(name: string): Promise<void> {
    await this.#hub.as(name);
  }

  /** Becomes the person of `grant`, on this device too. */
  adopt(grant: GuestGrant): void {
    this.#forgetPerson();
    this.guest.adopt(grant);
    this.visit('/');
  }

  /** This browser is nobody from now on. */
  signOut(): void {
    this.#forgetPerson();
    this.guest.forget();
    this.visit('/');
  }

  #forgetPerson(): void {
    this.#attempt += 1;
    this.#leaveRoom();
    // Before the connection goes: a room that loses it would say so.
    this.#show({ kind: 'landing' });
    this.#hub.close();
    this.social.detach();
  }

  #followAddress(): void {
    const asked = placeOf(new URL(this.#window.location.href));
    const place: Place =
      asked.kind === 'room' || this.social.isOffered ? asked : { kind: 'landing' };
    if (place.kind === 'room') this.#followRoom(place.target);
    else this.#followPage(place);
  }

  #followRoom(target: CodeTarget): void {
    const screen = this.#screen.value;
    if (this.guest.name === undefined) {
      this.#show({ kind: 'name', target });
    } else if (screen.kind !== 'room' || screen.model.details.value.code !== target.code) {
      void this.enter(this.guest.name, target);
    }
  }

  #followPage(place: Exclude<Place, { readonly kind: 'room' }>): void {
    this.#attempt += 1;
    this.#leaveRoom();
    this.#show(place);
    // Friends are shown without a room, too. A link waits until it is said who asks.
    const { name } = this.guest;
    if (name !== undefined && place.kind !== 'link' && this.social.isOffered)
      void this.#connectQuietly(name);
  }

  async #connectQuietly(name: string): Promise<void> {
    try {
      await this.#hub.as(name);
    } catch (error) {
      // The panel of friends tells of it; whoever enters a room is told why it cannot be.
      if (this.codeOf(error) === undefined) throw error;
    }
  }

  /** The friend waits there: whoever listens elsewhere is asked, whoever is in no room here goes. */
  #onJoined(roomId: RoomId, friend: string): void {
    const { name } = this.guest;
    const screen = this.#screen.value;
    if (name === undefined) return;
    if (screen.kind === 'room' && screen.model.room.id === roomId) return;
    const go = (): void => void this.enter(name, { roomId });
    this.social.tellJoined(friend, go);
    if (screen.kind === 'landing') go();
  }

  async #open(
    name: string,
    get: (client: PageClient) => Promise<PageRoom>,
    target?: RoomTarget,
  ): Promise<void> {
    const enter = async (client: PageClient, isLatest: () => boolean): Promise<void> => {
      const room = await get(client);
      if (isLatest()) this.#showRoom(client, room);
      else await room.leave();
    };
    await this.#reach(name, enter, target);
  }

  async #reach(
    name: string,
    go: (client: PageClient, isLatest: () => boolean) => Promise<void>,
    target?: RoomTarget,
  ): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    const isLatest = (): boolean => attempt === this.#attempt;
    this.#leaveRoom();
    const known = this.#hub.client;
    this.#show({ kind: 'opening', ...(known && { client: known }) });
    try {
      const client = await this.#hub.as(name);
      if (isLatest()) await go(client, isLatest);
    } catch (error) {
      if (isLatest()) this.#fail(error, target);
      else if (this.codeOf(error) === undefined) throw error;
    }
  }

  #showRoom(client: PageClient, room: PageRoom): void {
    const model = new RoomModel({
      room,
      client,
      player: this.#sdk.player(client, room),
      api: this.api,
      notices: this.notices,
      codeOf: (error) => this.codeOf(error),
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

  #fail(error: unknown, target: RoomTarget | undefined): void {
    const code = this.#hub.causeOf(error);
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

  #go(path: string): void {
    const { location, history } = this.#window;
    if (location.pathname + location.search === path) return;
    history.pushState(null, '', path);
  }
}
