// Owns how a player's outputs are put together on a platform; knows no room and no time.
import type { TrackId } from '../../protocol/ids.ts';
import { AudioGraph } from './audio-graph.ts';
import type { AudioOutput } from './audio-output.ts';
import { DecodedTracks } from './audio-tracks.ts';
import { OutputChoice } from './output-choice.ts';
import { ElementOutput } from './output-element.ts';
import { WebAudioOutput } from './output-webaudio.ts';
import { TrackMedia, type SignedUrl } from './player-media.ts';
import { defaultDecodedBytes, type PlayerPlatform } from './player-platform.ts';
import type { TrackLevels } from './track-levels.ts';

export type OutputWish = 'auto' | 'webaudio' | 'element';

export interface OutputsOptions {
  readonly platform: PlayerPlatform;
  readonly mediaUrl: (trackId: TrackId) => Promise<SignedUrl>;
  readonly levels: TrackLevels;
  readonly wish: OutputWish;
  readonly maxDecodedBytes?: number | undefined;
  readonly onChange: () => void;
}

export interface Outputs {
  readonly output: AudioOutput;
  readonly graph: AudioGraph | undefined;
  /** Must be called in a press, before anything is awaited. */
  readonly unlock: () => Promise<void>;
  /** 0 to 1. */
  readonly setVolume: (volume: number) => void;
}

/** @throws Error where the platform has neither Web Audio nor media elements */
export function createOutputs(options: OutputsOptions): Outputs {
  const { platform, wish, onChange } = options;
  const context = platform.createContext?.();
  const graph = context && new AudioGraph(context, onChange);
  const media = new TrackMedia({
    mediaUrl: options.mediaUrl,
    fetch: platform.fetch,
    now: platform.now,
    wait: (ms, signal) => waitFor(platform, ms, signal),
  });
  const element = wish === 'webaudio' ? undefined : createElementOutput(options, media, graph);
  const webaudio =
    wish === 'element' || graph === undefined
      ? undefined
      : createWebAudioOutput(options, media, graph, element);
  const output = webaudio ?? element;
  if (output === undefined) throw new Error('this platform has no way to play sound');
  return {
    output,
    graph,
    unlock: async () => {
      element?.unlock();
      await graph?.resume();
    },
    setVolume: (volume) => {
      if (graph === undefined) element?.setVolume(volume);
      else graph.setVolume(volume);
    },
  };
}

function createElementOutput(
  { platform, levels, onChange }: OutputsOptions,
  media: TrackMedia,
  graph: AudioGraph | undefined,
): ElementOutput | undefined {
  const { createElement } = platform;
  if (createElement === undefined) return undefined;
  return new ElementOutput({
    createElement,
    url: (trackId, fresh) => media.url(trackId, fresh),
    levelOf: (trackId) => levels.levelOf(trackId),
    graph: graph && {
      context: graph.context,
      destination: graph.music,
      timeline: graph.timeline,
    },
    after: platform.after,
    now: platform.now,
    onChange,
  });
}

function createWebAudioOutput(
  { platform, levels, maxDecodedBytes, onChange }: OutputsOptions,
  media: TrackMedia,
  graph: AudioGraph,
  fallback: ElementOutput | undefined,
): AudioOutput {
  const { context, music: destination, timeline } = graph;
  const tracks = new DecodedTracks({
    load: (trackId, signal) => media.load(trackId, signal),
    decode: async (bytes, trackId) => {
      const buffer = await context.decodeAudioData(bytes);
      await levels.examine(trackId, buffer);
      return buffer;
    },
    sampleRate: context.sampleRate,
    maxBytes: maxDecodedBytes ?? defaultDecodedBytes(platform),
    onChange,
  });
  const precise = new WebAudioOutput({
    context,
    destination,
    timeline,
    tracks,
    levelOf: (trackId) => levels.levelOf(trackId),
  });
  if (fallback === undefined) return precise;
  return new OutputChoice({ precise, fallback, fits: (durationMs) => tracks.fits(durationMs) });
}

function waitFor(platform: PlayerPlatform, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      resolve();
    };
    const cancel = platform.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
