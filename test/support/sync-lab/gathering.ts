// Owns one room of the sync lab: who is in it over which link, what plays in it when, and what is done to it. Judges nothing.
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { anchorAt, type Anchor } from '../../../protocol/schemas/playback.ts';
import { EarshotClient } from '../../../src/client/client.ts';
import { EarshotError } from '../../../src/client/errors.ts';
import type { OutputWish } from '../../../src/client/player-outputs.ts';
import type { Room } from '../../../src/client/room.ts';
import { LinkProxy, type ProxiedLink } from '../link-proxy.ts';
import type { LoneChromium } from '../lone-chromium.ts';
import { guestToken } from '../wire-client.ts';
import type { Lab } from './lab-page.ts';
import type { LabOptions, PlayerName } from './lab-wire.ts';
import type { PageTape } from './page-tape.ts';
import type { StageNode, Stop, SyncStage } from './sync-stage.ts';

declare global {
  /** What the lab's page puts there. */
  var syncLab: Lab;
}

export interface MemberOptions {
  readonly name: string;
  /** Index of the node that serves it. */
  readonly node: number;
  readonly link: ProxiedLink;
  readonly players: readonly PlayerName[];
  readonly output: OutputWish;
  /** How much faster the page's crystal runs than the machine's. */
  readonly crystalPpm: number;
  readonly seed: number;
  /** REST and media go through the link as well; else only the sockets do. */
  readonly all: boolean;
}

export interface Member {
  readonly options: MemberOptions;
  readonly node: StageNode;
  readonly page: Page;
  readonly tape: PageTape;
  readonly link: LinkProxy;
  /** The page's own word for when its clock began, Unix ms. */
  readonly timeOriginMs: number;
}

/** From a moment of the machine's clock on, this was known to be planned. */
export interface KnownTimeline {
  readonly fromMs: number;
  readonly timeline: readonly Anchor[];
}

export interface RoomEvent {
  /** By the machine's clock, when it was asked for. */
  readonly atMs: number;
  readonly kind: 'play' | 'seek' | 'skip' | 'hidden' | 'shown' | 'fault';
  readonly member?: string;
  /** Hub time at which it is heard. */
  readonly heardAtHubMs?: number;
}

const TRACKS = 4;
/** A start is heard at the latest when its gate's deadline comes. */
const START_TIMEOUT_MS = 10_000;

export class Gathering {
  readonly members: readonly Member[];
  readonly timelines: readonly KnownTimeline[];
  readonly events: RoomEvent[] = [];
  readonly #room: Room;
  readonly #client: EarshotClient;
  readonly #chromium: LoneChromium;
  readonly #stops: Stop[];

  private constructor(
    room: Room,
    client: EarshotClient,
    chromium: LoneChromium,
    members: readonly Member[],
    timelines: readonly KnownTimeline[],
    stops: Stop[],
  ) {
    this.#room = room;
    this.#client = client;
    this.#chromium = chromium;
    this.members = members;
    this.timelines = timelines;
    this.#stops = stops;
  }

  /** Opens the room and the pages in it; nothing plays yet. */
  static async open(
    stage: SyncStage,
    chromium: LoneChromium,
    members: readonly MemberOptions[],
  ): Promise<Gathering> {
    const stops: Stop[] = [];
    const { url } = stage.nodes[0]!.process;
    const { token } = await guestToken(url, 'Host');
    const client = new EarshotClient({ url, token, platform: { WebSocket } });
    stops.push(() => client.close());
    await client.connect();
    const room = await client.createRoom({ name: 'In step', preset: 'friends' });
    const timelines: KnownTimeline[] = [];
    const note = (): void => {
      const { timeline } = room.view.value.room.playback;
      if (timelines.at(-1)?.timeline !== timeline)
        timelines.push({ fromMs: performance.now(), timeline });
    };
    note();
    room.view.subscribe(note);
    const { tracks } = await client.api.tracks('');
    const trackId = tracks[0]?.id;
    if (trackId === undefined) throw new Error('no track in the catalogue');
    await room.add(Array.from({ length: TRACKS }, () => trackId));
    await room.setMode({ repeat: 'all' });

    const inside: Member[] = [];
    for (const [slot, options] of members.entries())
      inside.push(await openMember(stage, chromium, room, slot, options, stops));
    return new Gathering(room, client, chromium, inside, timelines, stops);
  }

  async play(): Promise<void> {
    await this.#move('play', () => this.#room.play());
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (this.#anchorNow()?.state !== 'playing') {
      if (performance.now() > deadline) throw new Error('the room did not start');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async seek(positionMs: number): Promise<void> {
    await this.#move('seek', () => this.#room.seek(positionMs));
  }

  async skip(): Promise<void> {
    await this.#move('skip', () => this.#room.skip());
  }

  async setHidden(member: Member, hidden: boolean): Promise<void> {
    this.note(hidden ? 'hidden' : 'shown', member);
    await this.#chromium.setHidden(member.page, hidden);
  }

  note(kind: RoomEvent['kind'], member?: Member): void {
    const atMs = performance.now();
    this.events.push({ atMs, kind, ...(member && { member: member.options.name }) });
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  #anchorNow(): Anchor | undefined {
    const now = this.#client.clock.now();
    return now === undefined
      ? undefined
      : anchorAt(this.#room.view.value.room.playback.timeline, now);
  }

  async #move(kind: RoomEvent['kind'], command: () => Promise<void>): Promise<void> {
    const atMs = performance.now();
    const askedAtHubMs = this.#client.clock.now() ?? NaN;
    try {
      await command();
    } catch (error) {
      // The track that was meant came to its end in that moment: nothing moved.
      if (error instanceof EarshotError && error.code === 'stale') return;
      throw error;
    }
    const moved = this.#room.view.value.room.playback.timeline.find(({ at }) => at > askedAtHubMs);
    this.events.push({ atMs, kind, ...(moved && { heardAtHubMs: moved.at }) });
  }
}

async function openMember(
  stage: SyncStage,
  chromium: LoneChromium,
  room: Room,
  slot: number,
  options: MemberOptions,
  stops: Stop[],
): Promise<Member> {
  const node = stage.nodes[options.node];
  const lab = stage.labs[slot];
  if (node === undefined || lab === undefined) throw new RangeError('no place for that member');
  const { link: kind, seed } = options;
  const link = await LinkProxy.start({ targetPort: node.process.port, link: kind, seed });
  stops.push(() => link.stop());
  const peersLink = await LinkProxy.start({ targetPort: node.peers.port, link: kind, seed });
  stops.push(() => peersLink.stop());
  lab.crystalPpm = options.crystalPpm;
  lab.forwardTo(options.all ? link.port : node.process.port);
  const { token } = await guestToken(node.process.url, options.name);
  const page = await chromium.openWindow();
  stops.push(() => page.close());
  page.on('pageerror', (error) => console.error(`${options.name}:`, error.message));
  const label = `${options.name}-${room.id}`;
  await page.goto(`${lab.origin}/lab/?page=${encodeURIComponent(label)}`);
  await page.waitForFunction(() => 'syncLab' in globalThis);
  const given: LabOptions = {
    token,
    roomCode: room.view.value.room.code,
    hubOrigin: `http://127.0.0.1:${link.port}`,
    peersOrigin: `ws://127.0.0.1:${peersLink.port}`,
    players: options.players,
    output: options.output,
  };
  await page.evaluate((wish) => syncLab.open(wish), given);
  const timeOriginMs = await page.evaluate(() => performance.timeOrigin);
  return { options, node, page, tape: lab.tape(label), link, timeOriginMs };
}
