// Owns what the page shows of one joined room, cut into slices so that a change redraws only its part; must not know how it is drawn.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { hasTrack, type Anchor, type TrackAnchor } from '../../protocol/schemas/playback.ts';
import { allows, playOrder, type Entry } from '../../protocol/schemas/room.ts';
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { recall, remember } from './browser-store.ts';
import type { Notices } from './notices.ts';
import { observe } from './observed.ts';
import type {
  ConnectionState,
  PageApi,
  PageClient,
  PageClock,
  PagePlayer,
  PageRoom,
  PlayerState,
  RoomView,
} from './page-sdk.ts';
import type { SilentTrack } from './silent-track.ts';
import { deviceLine, eventLabel, refusalLabel } from './wording.ts';

export interface QueueItem {
  readonly id: EntryId;
  readonly entry: Entry;
}
export interface QueueView {
  readonly played: readonly QueueItem[];
  readonly current?: QueueItem;
  readonly next: readonly QueueItem[];
}
export interface Rights {
  readonly control: boolean;
  readonly add: boolean;
  readonly editQueue: boolean;
  readonly chat: boolean;
  readonly invite: boolean;
  readonly host: boolean;
  /** Whether they made the room: to close it, and to say who gets in. */
  readonly owner: boolean;
}
export interface Happening {
  readonly key: string;
  readonly text: string;
}
export interface RoomModelParts {
  readonly room: PageRoom;
  readonly player: PagePlayer;
  readonly client: PageClient;
  readonly api: PageApi;
  readonly notices: Notices;
  readonly codeOf: (error: unknown) => string | undefined;
}

const ANCHOR_EVERY_MS = 200;
const KEPT_HAPPENINGS = 12;
const DEFAULT_VOLUME = 0.8;

export class RoomModel {
  readonly room: PageRoom;
  readonly player: PagePlayer;
  readonly api: PageApi;
  readonly me: UserId;
  readonly notices: Notices;
  readonly view: ReadonlySignal<RoomView>;
  readonly playerState: ReadonlySignal<PlayerState>;
  readonly connection: ReadonlySignal<ConnectionState>;
  readonly clock: ReadonlySignal<PageClock>;
  /** The anchor in force now: follows planned boundaries as they come. */
  readonly anchor = signal<Anchor | undefined>(undefined);
  readonly happenings = signal<readonly Happening[]>([]);
  /** Whose knock was answered here, until the hub says so. */
  readonly #answered = signal<readonly UserId[]>([]);
  readonly volume = signal(DEFAULT_VOLUME);
  readonly keepsScreenOn = signal(recall('screen-on') === true);
  /** What the system's media controls hold on to, once sound is allowed. */
  silence: SilentTrack | undefined;

  readonly knocks = computed(() => {
    const answered = this.#answered.value;
    return (this.view.value.you.waiting ?? []).filter(({ id }) => !answered.includes(id));
  });
  readonly details = computed(() => this.view.value.room);
  readonly queue = computed(() => this.#queueView());
  readonly rights = computed(() => this.#rights());
  readonly track = computed<TrackAnchor | undefined>(() => {
    const anchor = this.anchor.value;
    return anchor !== undefined && hasTrack(anchor) ? anchor : undefined;
  });
  readonly current = computed<QueueItem | undefined>(() => this.queue.value.current);
  /** What one hears oneself: while detached it may be another one than the room's. */
  readonly shown = computed(() => this.#shown());
  readonly playing = computed(() => this.anchor.value?.state === 'playing');
  readonly detached = computed(() => this.playerState.value.mode === 'detached');
  /** Whether what this person steers plays: their own place while detached, else the room. */
  readonly running = computed(() =>
    this.detached.value ? this.playerState.value.playing : this.playing.value,
  );

  readonly #codeOf: (error: unknown) => string | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(parts: RoomModelParts) {
    this.room = parts.room;
    this.player = parts.player;
    this.api = parts.api;
    this.me = parts.room.userId;
    this.notices = parts.notices;
    this.#codeOf = parts.codeOf;
    const view = observe(parts.room.view);
    const player = observe(parts.player.state);
    const connection = observe(parts.client.connection);
    const clock = observe(parts.client.clock.status);
    this.view = view.signal;
    this.playerState = player.signal;
    this.connection = connection.signal;
    this.clock = clock.signal;

    const volume = recall('volume');
    this.setVolume(typeof volume === 'number' ? volume : DEFAULT_VOLUME);
    if (recall('loudness') === 'as recorded') parts.player.setLoudnessMatching(false);
    const refreshAnchor = (): void => {
      this.anchor.value = parts.room.anchorNow() ?? this.view.value.room.playback.timeline[0];
    };
    refreshAnchor();
    const ticking = setInterval(refreshAnchor, ANCHOR_EVERY_MS);
    this.#stops.push(
      view.stop,
      player.stop,
      connection.stop,
      clock.stop,
      this.view.subscribe(refreshAnchor),
      () => clearInterval(ticking),
      this.#listenToEvents(),
      this.#tellOfDevices(),
    );
  }

  /** Where the needle stands: the room's position, or one's own while detached. */
  positionMs(): number {
    const own = this.playerState.value;
    if (own.mode === 'detached') return own.positionMs;
    return this.room.positionNow() ?? this.anchor.value?.positionMs ?? 0;
  }

  /** Does `action`, and tells of a refusal. `stale` is silent: the room has moved on, which one sees. */
  run(action: () => Promise<unknown>): void {
    void this.#tell(action);
  }

  /**
   * Plays or pauses what this person steers: their own place while detached, else the room for all. Whoever may not steer the room
   * pauses for oneself, and goes on from there.
   */
  steer(to: 'play' | 'pause'): void {
    if (!this.detached.value && !this.rights.value.control) {
      if (to === 'pause') this.player.detach();
    } else if (!this.detached.value) {
      this.run(() => (to === 'play' ? this.room.play() : this.room.pause()));
    } else if (to === 'play') this.player.playSelf();
    else this.player.pauseSelf();
  }

  /** Moves one's own place while detached, else the room's. */
  seek(positionMs: number): void {
    if (this.detached.value) this.player.seekSelf(positionMs);
    else this.run(() => this.room.seek(Math.round(positionMs)));
  }

  setKeepsScreenOn(keeps: boolean): void {
    this.keepsScreenOn.value = keeps;
    remember('screen-on', keeps);
  }

  /** To be called from a press. */
  listen(): void {
    this.player.unlock().catch(() => {
      this.notices.show('problem', 'The browser did not allow sound. Press once more.');
    });
  }

  /** Where no press may stand behind it: a browser that wants one shows the button as before. */
  tryToListen(): void {
    this.player.unlock().catch(() => undefined);
  }

  setVolume(volume: number): void {
    this.volume.value = Math.min(1, Math.max(0, volume));
    this.player.setVolume(this.volume.value);
    remember('volume', this.volume.value);
  }

  answerKnock(userId: UserId, accept: boolean): void {
    this.#answered.value = [...this.#answered.value, userId];
    this.run(async () => {
      try {
        await this.room.admit(userId, accept);
      } catch (error) {
        // Somebody else was faster.
        if (this.#codeOf(error) !== 'not_found') throw error;
      } finally {
        this.#answered.value = this.#answered.value.filter((id) => id !== userId);
      }
    });
  }

  nameOf(userId: UserId): string | undefined {
    const { presence, room } = this.view.value;
    return presence.members[userId]?.name ?? room.roles[userId]?.name;
  }

  /** Stops listening and the sound; does not leave the room. Idempotent. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.player.stop();
    this.silence?.close();
  }

  async #tell(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const code = this.#codeOf(error);
      if (code === undefined) throw error;
      if (code !== 'stale') this.notices.show('problem', refusalLabel(code));
    }
  }

  #listenToEvents(): () => void {
    return this.room.onEvent((event) => {
      const names = { me: this.me, nameOf: (userId: UserId) => this.nameOf(userId) };
      const text = eventLabel(event, this.view.value.room, names);
      if (text === undefined) return;
      const happening = { key: event.id, text };
      this.happenings.value = [happening, ...this.happenings.value].slice(0, KEPT_HAPPENINGS);
      // One sees what one did oneself.
      if (!('by' in event) || event.by !== this.me) this.notices.show('event', text);
    });
  }

  /** Each output has a nudge of its own, so it is told when another one sounds. */
  #tellOfDevices(): () => void {
    let { changes } = this.playerState.value.device;
    return this.playerState.subscribe(({ device }) => {
      if (device.changes === changes) return;
      changes = device.changes;
      this.notices.show('event', deviceLine(device));
    });
  }

  #shown(): QueueItem | undefined {
    const current = this.current.value;
    const { mode, trackId } = this.playerState.value;
    if (mode !== 'detached' || trackId === current?.entry.trackId) return current;
    const { played, next } = this.queue.value;
    const own = [...played].reverse().find(({ entry }) => entry.trackId === trackId);
    return own ?? next.find(({ entry }) => entry.trackId === trackId) ?? current;
  }

  #queueView(): QueueView {
    const { room } = this.view.value;
    const items: QueueItem[] = [];
    for (const id of playOrder(room)) {
      const entry = room.queue[id];
      if (entry !== undefined) items.push({ id, entry });
    }
    const currentId = this.track.value?.entryId;
    const at = items.findIndex((item) => item.id === currentId);
    const current = items[at];
    if (current === undefined) return { played: [], next: items };
    return { played: items.slice(0, at), current, next: items.slice(at + 1) };
  }

  #rights(): Rights {
    const { room, you } = this.view.value;
    const { settings } = room;
    return {
      control: allows(settings.control, you.role),
      add: allows(settings.queueAdd, you.role),
      editQueue: allows(settings.queueEdit, you.role),
      chat: allows(settings.chat, you.role),
      invite: allows(settings.invite, you.role),
      host: you.role === 'host',
      owner: room.ownerId === this.me,
    };
  }
}
