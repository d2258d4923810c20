// Which screen stands, and who is told, without a browser: the page's session over made-up rooms.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConnectionId, RoomCode, RoomId } from '../../protocol/ids.ts';
import { Cell } from '../../src/client/observable.ts';
import type { ConnectionState, GuestGrant, PageClient, PageSdk } from '../../src/web/page-sdk.ts';
import { PageSession } from '../../src/web/page-session.ts';
import { FakeError, FakeRoom } from './fixture/fake-room.ts';
import { createFakeSdk, FAKE_LIMITS } from './fixture/fake-sdk.ts';
import { ME, viewOf } from './fixture/scene.ts';

const CONNECTED: ConnectionState = {
  phase: 'connected',
  user: { id: ME, name: 'Ana', guest: true },
  connectionId: 'c1' as ConnectionId,
  limits: FAKE_LIMITS,
  features: [],
};

/** A hub of two rooms and one guest list. */
class World {
  readonly rooms = new Map<string, FakeRoom>();
  readonly connection = new Cell<ConnectionState>({ phase: 'idle' });
  readonly asked: string[] = [];
  /** Whether the hub knows the tokens that it gave out. */
  knowsTokens = true;
  isDoorOpen = true;
  knockStatus: 'waiting' | 'admitted' = 'waiting';
  knocks = 0;
  readonly session: PageSession;
  #path = '/';
  #onPopState: () => void = () => undefined;
  #answer: ((answer: { roomId: RoomId; accept: boolean }) => void) | undefined;
  #tokenIsOld = false;

  constructor() {
    for (const code of ['AAAA2222', 'BBBB3333']) {
      const view = viewOf({ role: 'host', empty: false });
      const room = { ...view.room, id: code as RoomId, code: code as RoomCode };
      this.rooms.set(code, new FakeRoom({ ...view, room }, ME));
    }
    const fake = createFakeSdk('host').sdk;
    const sdk: PageSdk = {
      api: () => this.#api() as ReturnType<PageSdk['api']>,
      client: () => this.#client(),
      player: (client, room) => fake.player(client, room),
      codeOf: (error) => (error instanceof FakeError ? error.code : undefined),
    };
    this.session = new PageSession(sdk, this.#window());
  }

  get screen(): PageSession['screen']['value'] {
    return this.session.screen.value;
  }

  get path(): string {
    return this.#path;
  }

  /** As the browser's own buttons do. */
  async goTo(path: string): Promise<void> {
    this.#path = path;
    this.#onPopState();
    await settle();
  }

  async answer(accept: boolean, code = 'AAAA2222'): Promise<void> {
    this.#answer?.({ roomId: code as RoomId, accept });
    await settle();
  }

  /** The hub is set up anew. */
  forgetGuests(): void {
    this.#tokenIsOld = true;
    this.knowsTokens = false;
  }

  #api() {
    const grant = (how: string) => (name: string) => {
      this.asked.push(`${how} ${name}`);
      if (how === 'rename' && this.#tokenIsOld)
        return Promise.reject(new FakeError('unauthorised'));
      this.#tokenIsOld = false;
      this.knowsTokens = true;
      const user = { id: ME, name, guest: true };
      return Promise.resolve<GuestGrant>({ token: 'token', expiresInMs: 86_400_000, user });
    };
    return { createGuest: grant('create'), rename: grant('rename') };
  }

  #client(): PageClient {
    return {
      connection: this.connection,
      clock: { status: new Cell({ maxErrorMs: 1, rttMinMs: 1 }), now: () => Date.now() },
      connect: () => {
        if (!this.knowsTokens) return Promise.reject(new FakeError('unauthorised'));
        this.connection.set(CONNECTED);
        return Promise.resolve();
      },
      close: () => this.connection.set({ phase: 'closed', cause: 'closed' }),
      createRoom: () => this.#enter('AAAA2222'),
      joinRoom: ({ code = '' }) => this.#enter(code),
      request: () => {
        this.knocks += 1;
        return Promise.resolve({ roomId: 'AAAA2222' as RoomId, status: this.knockStatus });
      },
      onAdmitted: (listener) => {
        this.#answer = listener;
        return () => (this.#answer = undefined);
      },
    };
  }

  #enter(code: string): Promise<FakeRoom> {
    const room = this.rooms.get(code);
    if (room === undefined) return Promise.reject(new FakeError('not_found'));
    if (!this.isDoorOpen) return Promise.reject(new FakeError('invite_needed'));
    return Promise.resolve(room);
  }

  #window(): Window {
    const href = (): string => `https://earshot.example${this.#path}`;
    return {
      location: {
        get href() {
          return href();
        },
        get pathname() {
          return new URL(href()).pathname;
        },
        get search() {
          return new URL(href()).search;
        },
      },
      history: { pushState: (_: unknown, __: string, path: string) => (this.#path = path) },
      addEventListener: (_: string, listener: () => void) => (this.#onPopState = listener),
    } as unknown as Window;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('the page’s session', () => {
  let world: World;

  beforeEach(() => {
    const stored = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    });
    world = new World();
    world.session.start();
  });

  const callsOf = (code: string) => world.rooms.get(code)?.calls;

  it('leaves the room that it was in when the address leads to another one', async () => {
    await world.session.enter('Ana', { code: 'AAAA2222' });
    expect(world.path).toBe('/r/AAAA2222');
    await world.goTo('/r/BBBB3333');
    expect(world.screen.kind).toBe('room');
    expect(callsOf('AAAA2222')).toEqual(['leave']);
    expect(callsOf('BBBB3333')).toEqual([]);
  });

  it('asks at the door again after a cut, as the answer may have come meanwhile', async () => {
    world.isDoorOpen = false;
    await world.session.enter('Ana', { code: 'AAAA2222' });
    await world.session.knock({ code: 'AAAA2222' });
    expect(world.screen).toMatchObject({ kind: 'door', knock: 'waiting' });
    world.connection.set({ phase: 'waiting', attempt: 1, retryAt: 0, cause: 'network' });
    world.isDoorOpen = true;
    world.knockStatus = 'admitted';
    world.connection.set(CONNECTED);
    await settle();
    expect(world.screen.kind).toBe('room');
    expect(world.knocks).toBe(2);
  });

  it('waits on when another room has answered', async () => {
    world.isDoorOpen = false;
    await world.session.enter('Ana', { code: 'AAAA2222' });
    await world.session.knock({ code: 'AAAA2222' });
    await world.answer(false, 'BBBB3333');
    expect(world.screen).toMatchObject({ kind: 'door', knock: 'waiting' });
    await world.answer(false);
    expect(world.screen).toMatchObject({ kind: 'door', knock: 'refused' });
  });

  it('does not wait at a door with a connection that is closed for good', async () => {
    world.isDoorOpen = false;
    await world.session.enter('Ana', { code: 'AAAA2222' });
    await world.session.knock({ code: 'AAAA2222' });
    world.connection.set({ phase: 'closed', cause: 'revoked', code: 4504 });
    await settle();
    expect(world.screen).toMatchObject({ kind: 'ended', reason: 'revoked' });
  });

  it('stays where it was gone to when an answer comes late', async () => {
    world.isDoorOpen = false;
    await world.session.enter('Ana', { code: 'AAAA2222' });
    const knocking = world.session.knock({ code: 'AAAA2222' });
    world.session.leave();
    await knocking;
    expect(world.screen.kind).toBe('landing');
    await world.answer(true);
    expect(world.screen.kind).toBe('landing');
  });

  it('becomes a new guest at a hub that knows none of its old ones, whatever the name', async () => {
    await world.session.enter('Ana', { code: 'AAAA2222' });
    world.session.leave();
    world.forgetGuests();
    await world.session.enter('Anna', { code: 'AAAA2222' });
    expect(world.screen.kind).toBe('room');
    expect(world.asked).toEqual(['create Ana', 'rename Anna', 'create Anna']);
  });
});
