// Owns being in step: it follows a room's timeline by hub time, or its owner's wishes, and has an output make it heard; must not know sockets.
import { anchorAt, hasTrack, positionAt } from '../../protocol/schemas/playback.ts';
import type { AudioOutput, Measurement, Stretch } from './audio-output.ts';
import { HubClicks } from './hub-clicks.ts';
import { Listeners } from './listeners.ts';
import { Cell, type Observable } from './observable.ts';
import { OutputDevices, type DeviceMemory } from './output-devices.ts';
import { createOutputs, type Outputs, type OutputWish } from './player-outputs.ts';
import { browserPlatform, type PlayerPlatform } from './player-platform.ts';
import type { PlayerClient, PlayerClockStatus, PlayerRoom } from './player-room.ts';
import { roomScene, selfScene, type Scene } from './player-scene.ts';
import { SelfPlayback } from './player-self.ts';
import { PlayerServo, type PlayerCorrection } from './player-servo.ts';
import type { PlayerState } from './player-state.ts';
import { PlayerTelling } from './player-telling.ts';
import { TrackLevels } from './track-levels.ts';

export type { PlayerCorrection } from './player-servo.ts';
export type { PlayerState } from './player-state.ts';

export interface PlayerOptions {
  readonly client: PlayerClient;
  readonly room: PlayerRoom;
  /** `auto` (the default) decodes what fits into memory and leaves the rest to a media element. */
  readonly output?: OutputWish;
  readonly maxDecodedBytes?: number;
  readonly platform?: PlayerPlatform;
  /** Where nudges and latencies of output devices are kept; absent: for as long as the player lives. */
  readonly devices?: DeviceMemory;
}

const tickMs = 250;
/** Until the audio clock is known well. */
const settlingTickMs = 100;
/** What one asks for oneself is placed so far ahead that it begins at its first sample. */
const selfLeadMs = 120;

/**
 * Plays what the room plays. Everything wanted is computed from the timeline, a few times a second and at every change of
 * the room, and handed to the output, which places it on the audio clock ahead of time.
 */
export class Player {
  readonly #client: PlayerClient;
  readonly #room: PlayerRoom;
  readonly #platform: PlayerPlatform;
  readonly #levels: TrackLevels;
  readonly #outputs: Outputs;
  readonly #output: AudioOutput;
  readonly #telling: PlayerTelling;
  readonly #devices: OutputDevices;
  readonly #corrections = new Listeners<[correction: PlayerCorrection]>();
  readonly #servo = new PlayerServo((correction) => this.#corrections.call(correction));
  readonly #state: Cell<PlayerState>;
  readonly #removers: (() => void)[];
  #mode: PlayerState['mode'] = 'locked';
  #self: SelfPlayback | undefined;
  #clicks: HubClicks | undefined;
  #outputLabel: string | undefined;
  #clockResets: number;
  #clockTrusted: boolean;
  #clockTold = false;
  #cancelTick: () => void = () => undefined;
  #ticking = false;
  #stopped = false;

  /** @throws Error where the platform cannot play sound at all */
  constructor(options: PlayerOptions) {
    const { client, room, output = 'auto', maxDecodedBytes, platform, devices } = options;
    this.#client = client;
    this.#room = room;
    this.#platform = platform ?? browserPlatform();
    this.#levels = new TrackLevels({
      memory: this.#platform.levelMemory,
      pause: this.#platform.pause,
      onChange: () => this.#tick(),
    });
    this.#outputs = createOutputs({
      platform: this.#platform,
      mediaUrl: async (trackId) => {
        const track = await client.api.track(trackId);
        this.#levels.tell(trackId, track);
        return { url: track.mediaUrl, expiresInMs: track.mediaUrlExpiresInMs };
      },
      levels: this.#levels,
      wish: output,
      maxDecodedBytes,
      onChange: () => this.#tick(),
    });
    this.#output = this.#outputs.output;
    this.#telling = new PlayerTelling(room, client.clock, this.#output);
    this.#devices = new OutputDevices(devices);
    this.#clockResets = client.clock.status.value.resets;
    this.#clockTrusted = client.clock.status.value.quality === 'good';
    this.#state = new Cell<PlayerState>({
      mode: 'locked',
      output: this.#output.kind,
      buffering: false,
      playing: false,
      positionMs: 0,
      cannotKeepUp: false,
      outputLatencyMs: 0,
      device: this.#devices.current,
      clicking: false,
    });
    this.#removers = [
      room.view.subscribe(() => this.#tick()),
      client.clock.status.subscribe((status) => this.#onClock(status)),
      this.#platform.onWake(() => this.#tick()),
      this.#platform.onDeviceChange?.(() => this.#onDeviceChange()) ?? (() => undefined),
    ];
    this.#askOutputLabel();
    this.#tick();
  }

  get state(): Observable<PlayerState> {
    return this.#state;
  }

  /** Told of all that is done to stay in step, as it is done. @returns the remover */
  onCorrection(listener: (correction: PlayerCorrection) => void): () => void {
    return this.#corrections.add(listener);
  }

  /** The last node before the destination, for a visualiser or a measurement; absent without Web Audio. */
  get outputNode(): AudioNode | undefined {
    return this.#outputs.graph?.output;
  }

  /** To be called in a press. Resolves when sound may come out; rejects when the browser refuses. */
  async unlock(): Promise<void> {
    await this.#outputs.unlock();
    if (this.#mode === 'locked') this.#mode = 'following';
    this.#tick();
  }

  /** Pauses for oneself, where one is; the room goes on. */
  detach(): void {
    this.#detach();
    this.#self?.pause(this.#platform.now());
    this.#tick();
  }

  /** Back to where the room is. */
  live(): void {
    this.#self = undefined;
    if (this.#mode === 'detached') this.#mode = 'following';
    this.#servo.rest();
    this.#tick();
  }

  playSelf(): void {
    this.#detach();
    this.#self?.play(this.#platform.now() + selfLeadMs);
    this.#tick();
  }

  pauseSelf(): void {
    this.detach();
  }

  /** Listens elsewhere in the track, away from the room. */
  seekSelf(positionMs: number): void {
    this.#detach();
    this.#self?.seek(positionMs, this.#platform.now() + selfLeadMs);
    this.#tick();
  }

  /** @param volume 0 to 1 */
  setVolume(volume: number): void {
    this.#outputs.setVolume(Math.max(0, Math.min(1, volume)));
  }

  /** Whether all tracks are played equally loud (the default), or each as it was recorded. */
  setLoudnessMatching(on: boolean): void {
    this.#levels.setMatching(on);
  }

  /**
   * For the output device that sounds now, and remembered for it.
   * @param ms by how much it is later than the browser says; sound is sent that much earlier
   * @throws RangeError for what is no finite number
   */
  setNudge(ms: number): void {
    if (!Number.isFinite(ms)) throw new RangeError(`a nudge is a number of ms, not ${ms}`);
    this.#devices.setNudge(ms);
    this.#servo.realign();
    this.#tick();
  }

  /**
   * Clicks in time with the hub, the music low beside them, so that one hears whether two devices agree, whatever room they are in.
   * Not while locked, nor without Web Audio: `state.clicking` tells.
   */
  setClicking(isWanted: boolean): void {
    this.#clicks?.stop();
    const { graph } = this.#outputs;
    this.#clicks =
      isWanted && graph !== undefined && this.#mode !== 'locked' ? new HubClicks(graph) : undefined;
    this.#tick();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    for (const remove of this.#removers) remove();
    this.#tellClock(false);
    this.#clicks?.stop();
    this.#output.close();
    this.#outputs.graph?.close();
  }

  /** A step that the clock has proven, and its first trustworthy word, are acted on at once; all else is for the servo. */
  #onClock({ resets, quality }: PlayerClockStatus): void {
    const stepped = resets !== this.#clockResets;
    const trusted = quality === 'good' && !this.#clockTrusted;
    this.#clockResets = resets;
    this.#clockTrusted = quality === 'good';
    if (!stepped && !trusted) return;
    this.#servo.realign();
    this.#tick();
  }

  #onDeviceChange(): void {
    this.#outputs.graph?.timeline.forgetLatency();
    this.#askOutputLabel();
  }

  #askOutputLabel(): void {
    this.#platform.outputLabel?.().then(
      (label) => {
        this.#outputLabel = label;
        this.#tick();
      },
      () => {
        // Not in this document: the path alone has to tell.
        this.#outputLabel = undefined;
      },
    );
  }

  /** Another device has its own nudge: what is under way moves there at once. */
  #noticeDevice(): void {
    const { graph } = this.#outputs;
    if (graph === undefined) return;
    if (this.#devices.observe(graph.signs(this.#outputLabel))) this.#servo.realign();
    graph.timeline.assumeLatency(this.#devices.current.latencyMs);
  }

  #detach(): void {
    if (this.#mode !== 'following') return;
    const nowMs = this.#platform.now();
    const hubNow = this.#client.clock.now();
    if (hubNow === undefined) return;
    const anchor = anchorAt(this.#room.view.value.room.playback.timeline, hubNow);
    if (!hasTrack(anchor)) return;
    const { entryId, trackId, durationMs } = anchor;
    const positionMs = positionAt(anchor, hubNow);
    this.#self = new SelfPlayback({ entryId, trackId, durationMs }, positionMs, nowMs);
    if (anchor.state === 'playing') this.#self.play(nowMs);
    this.#mode = 'detached';
  }

  /** The one entry of everything that happens: timer, room, clock, media. */
  #tick(): void {
    // What the output reports while it is told something needs no round of its own.
    if (this.#ticking || this.#stopped) return;
    this.#ticking = true;
    try {
      this.#step(this.#platform.now());
    } finally {
      this.#ticking = false;
      // What threw may work the next time: a player that stopped looking would be silent for good.
      this.#scheduleTick();
    }
  }

  #scheduleTick(): void {
    this.#cancelTick();
    const settling = this.#mode !== 'locked' && this.#outputs.graph?.timeline.steady === false;
    const isHasty = settling || this.#clicks !== undefined;
    this.#cancelTick = this.#platform.after(isHasty ? settlingTickMs : tickMs, () => this.#tick());
  }

  #step(nowMs: number): void {
    if (this.#outputs.graph?.sample(nowMs) === 'moved') {
      this.#client.clock.compare?.();
      this.#servo.realign();
    }
    this.#noticeDevice();
    const { nudgeMs } = this.#devices.current;
    const room = roomScene(this.#room.view.value, this.#client.clock, nudgeMs);
    const scene = this.#self === undefined ? room : selfScene(this.#self, room, nowMs);
    this.#output.prepare(scene.wanted);
    const audible = this.#mode !== 'locked' && this.#outputs.graph?.running !== false;
    if (audible) this.#output.follow(scene.stretches, nowMs);
    this.#planClicks(nudgeMs);

    const current = scene.stretches.find(({ startMs, endMs }) => startMs <= nowMs && nowMs < endMs);
    const measured = audible && current !== undefined ? this.#output.measure(nowMs) : undefined;
    const buffering =
      current !== undefined && measured === undefined && !this.#isReady(current, nowMs);
    this.#correct(current, measured, buffering, nowMs);
    this.#tellClock(current !== undefined && (this.#clockTold || measured !== undefined));
    this.#publish(scene, current, measured, buffering, nowMs);
    this.#telling.tell(
      {
        mode: this.#mode,
        entries: scene.entries,
        isDue: current !== undefined,
        measured,
        buffering,
        cannotKeepUp: this.#servo.cannotKeepUp,
        outputLatencyMs: Math.max(0, this.#output.latencyMs + this.#bufferMs() + nudgeMs),
      },
      nowMs,
    );
  }

  /** Of the page's own audio thread; the output's latency comes after it. */
  #bufferMs(): number {
    return (this.#outputs.graph?.context.baseLatency ?? 0) * 1_000;
  }

  #planClicks(nudgeMs: number): void {
    const { clock } = this.#client;
    const hubNow = clock.now();
    if (hubNow === undefined || this.#outputs.graph?.running !== true) return;
    this.#clicks?.plan(hubNow, (at) => {
      const localMs = clock.toLocal(at);
      return localMs === undefined ? undefined : localMs - nudgeMs;
    });
  }

  #isReady(stretch: Stretch, nowMs: number): boolean {
    const positionMs = stretch.positionMs + nowMs - stretch.startMs;
    return this.#output.buffered({ ...stretch, positionMs }).ready;
  }

  #correct(
    current: Stretch | undefined,
    measured: Measurement | undefined,
    buffering: boolean,
    nowMs: number,
  ): void {
    if (this.#mode !== 'following' || current === undefined) {
      this.#servo.rest();
      return;
    }
    this.#servo.step({
      output: this.#output,
      measured,
      clock: this.#client.clock.status.value,
      audioSkewPpm: this.#outputs.graph?.timeline.skewPpm ?? 0,
      buffering,
      nowMs,
    });
  }

  /** The clock may jump as it likes until something is heard that was placed by it. */
  #tellClock(isHeard: boolean): void {
    const playing = isHeard && this.#clockTrusted;
    if (playing === this.#clockTold) return;
    this.#clockTold = playing;
    this.#client.clock.setPlaying?.(playing);
  }

  #publish(
    { track, wanted }: Scene,
    current: Stretch | undefined,
    measured: Measurement | undefined,
    buffering: boolean,
    nowMs: number,
  ): void {
    const waitsFor =
      this.#mode === 'locked'
        ? undefined
        : (this.#outputs.graph?.heldBy(nowMs) ?? this.#output.heldBy?.(nowMs));
    const first = wanted[0];
    const failure = first && this.#output.buffered(first).failure;
    this.#state.set({
      mode: this.#mode,
      output: this.#output.kind,
      buffering: buffering && failure === undefined,
      playing: current !== undefined,
      positionMs: track?.positionMs ?? 0,
      cannotKeepUp: this.#servo.cannotKeepUp,
      outputLatencyMs: this.#output.latencyMs,
      device: this.#devices.current,
      clicking: this.#clicks !== undefined,
      ...(waitsFor !== undefined && { waitsFor }),
      ...(track !== undefined && { trackId: track.trackId }),
      ...(measured !== undefined && { errorMs: measured.errorMs }),
      ...(first !== undefined &&
        failure !== undefined && { failed: { trackId: first.trackId, message: failure } }),
    });
  }
}
