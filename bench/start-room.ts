// The room of the start bench: real pages that listen, what they press, and the plans that the hub sent for it.
import type { Browser, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import type { TrackId } from '../protocol/ids.ts';
import { EarshotApi, EarshotClient } from '../src/client/client.ts';
import { heardIn, lastPressIn, putStartEarInto, type Turn } from './start-ear.ts';
import { TONE_TRACK, firstTone, toneTitle, type Tone } from './start-tones.ts';

/** A change of the timeline as it came over the wire. */
export interface PlannedMove {
  readonly cause: string;
  /** Hub times of the decision, and of the moment for which it was planned. */
  readonly decidedAt: number;
  readonly at: number;
  readonly isGated: boolean;
  /** Unix ms at which the page had it. */
  readonly toldAtMs: number;
}

export interface Listener {
  readonly name: string;
  readonly page: Page;
  readonly plans: Plans;
}

/** Makes a room and fills its queue. @returns its code */
export async function prepareRoom(url: string, tracks: number): Promise<string> {
  const { token } = await new EarshotApi({ url }).createGuest('Maker');
  const api = new EarshotApi({ url, token: () => token });
  const client = new EarshotClient({
    url,
    token,
    platform: { WebSocket },
  });
  await client.connect();
  const room = await client.createRoom({ name: 'Starts', preset: 'friends' });
  const trackIds: TrackId[] = [];
  for (let n = 0; n < tracks; n += 1) {
    const [track] = (await api.tracks(toneTitle(n))).tracks;
    if (track === undefined) throw new Error(`no track ${toneTitle(n)}`);
    trackIds.push(track.id);
  }
  await room.add(trackIds);
  const { code } = room.view.value.room;
  await room.leave();
  client.close();
  return code;
}

export async function openListener(
  browser: Browser,
  url: string,
  code: string,
  name: string,
  { mediaBlocked = false } = {},
): Promise<Listener> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    bypassCSP: true,
  });
  const page = await context.newPage();
  const plans = new Plans(page);
  await putStartEarInto(page);
  // Never answered: as on a network that has just gone.
  if (mediaBlocked) await page.route('**/media/**', () => undefined);
  await page.goto(`${url}/r/${code}`);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter the room' }).click();
  await page.getByRole('button', { name: 'Listen' }).click();
  return { name, page, plans };
}

/** What a page was told of the room's timeline. */
export class Plans {
  readonly #moves: PlannedMove[] = [];

  constructor(page: Page) {
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload === 'string') this.#take(payload);
      });
    });
  }

  get moves(): readonly PlannedMove[] {
    return this.#moves;
  }

  #take(payload: string): void {
    const frame = JSON.parse(payload) as {
      readonly type: string;
      readonly revisions?: readonly { readonly event: MovedEvent }[];
    };
    if (frame.type !== 'room.events') return;
    for (const { event } of frame.revisions ?? []) {
      if (event.type !== 'PlaybackMoved' || event.timeline === undefined) continue;
      const change = event.timeline.find(({ at }) => at > event.at);
      if (change === undefined) continue;
      const { cause = '' } = event;
      const toldAtMs = performance.timeOrigin + performance.now();
      const isGated = event.gate !== undefined;
      this.#moves.push({ cause, decidedAt: event.at, at: change.at, isGated, toldAtMs });
    }
  }
}

interface MovedEvent {
  readonly type: string;
  readonly at: number;
  readonly cause?: string;
  readonly gate?: object;
  readonly timeline?: readonly { readonly at: number }[];
}

/** Presses by a real pointer, each returning when it was let go (Unix ms). */
export class Presser {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async pause(): Promise<number> {
    await this.page.getByRole('button', { name: 'Pause', exact: true }).click();
    return lastPressIn(this.page);
  }

  async play(): Promise<number> {
    await this.page.getByRole('button', { name: 'Play', exact: true }).click();
    return lastPressIn(this.page);
  }

  /** Into the part of the track that has this tone. */
  async seekTo(tone: Tone, track: number): Promise<number> {
    const inFirst = firstTone(track) === tone;
    const second = inFirst ? 2 : TONE_TRACK.turnsAtSeconds + 2;
    const box = await this.page
      .getByRole('slider', { name: 'Position in the track' })
      .boundingBox();
    if (box === null) throw new Error('no needle');
    const x = box.x + (box.width * second) / TONE_TRACK.seconds;
    await this.page.mouse.click(x, box.y + box.height / 2);
    return lastPressIn(this.page);
  }

  async jumpTo(track: number): Promise<number> {
    await this.page.getByRole('button', { name: `More for ${toneTitle(track)}` }).click();
    await this.page.getByRole('button', { name: 'Play now' }).click();
    return lastPressIn(this.page);
  }
}

/** When each page first sounded `to` after `fromMs`; NaN where it has not by `untilMs`. */
export async function firstHeard(
  listeners: readonly Listener[],
  to: readonly Turn['to'][],
  fromMs: number,
  untilMs: number,
): Promise<readonly number[]> {
  const heard = await Promise.all(listeners.map(({ page }) => heardIn(page, fromMs)));
  return heard.map(
    (turns) =>
      turns.find((turn) => to.includes(turn.to) && turn.atMs > fromMs && turn.atMs < untilMs)
        ?.atMs ?? NaN,
  );
}
