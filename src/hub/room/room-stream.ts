// A room's revisions as its members receive them: encoded once, kept for those who resume, with the snapshot that stands for all.
// Knows commits; knows no sockets.
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { diff } from '../../../protocol/merge-patch.ts';
import { stateHash } from '../../../protocol/state-hash.ts';
import type { Revision } from '../../../protocol/schemas/pushes.ts';
import type { RoomId } from '../../../protocol/ids.ts';
import { publicEvent } from '../../domain/public-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { Head } from '../../ports/room-log.ts';
import type { Frame } from '../../ports/sockets.ts';
import { jsonFrame } from '../frame.ts';
import type { HubMetrics } from '../hub-metrics.ts';
import type { Step } from './decide-batch.ts';

/** Every revision whose number is a multiple of this carries the state's hash (RM6). */
const HASH_EVERY = 64;
const MAX_KEPT = 512;
const MAX_KEPT_CHARS = 512 * 1_024;

export class RoomStream {
  readonly #roomId: RoomId;
  readonly #metrics: HubMetrics;
  /** Encoded revisions, contiguous, the newest last; its number is `#last`. */
  #kept: string[] = [];
  #keptChars = 0;
  #epoch = 0;
  #last = 0;
  #snapshot: { readonly head: Head; readonly json: string } | undefined;

  constructor(roomId: RoomId, metrics: HubMetrics) {
    this.#roomId = roomId;
    this.#metrics = metrics;
  }

  /** Encodes one commit as the frame that every member gets. */
  publish(epoch: number, steps: readonly Step[]): Frame {
    const revisions = steps.map((step) => this.#encode(step));
    this.#keep(epoch, steps[0]?.revision ?? 0, revisions);
    return jsonFrame(
      `{"type":"room.events","roomId":"${this.#roomId}","epoch":${epoch},"revisions":[${revisions.join(',')}]}`,
    );
  }

  /** Forgets what was kept: it belongs to another history. */
  reset(): void {
    this.#kept = [];
    this.#keptChars = 0;
    this.#snapshot = undefined;
  }

  /**
   * The revisions after `since` as JSON text of an array.
   * @returns undefined where they are no longer kept, or `since` is of another history
   */
  after(
    since: { readonly epoch: number; readonly revision: number },
    head: Head,
  ): string | undefined {
    if (since.epoch !== head.epoch || since.revision > head.revision) return undefined;
    const missing = head.revision - since.revision;
    if (missing === 0) return '[]';
    if (this.#epoch !== head.epoch || this.#last !== head.revision || missing > this.#kept.length)
      return undefined;
    return `[${this.#kept.slice(-missing).join(',')}]`;
  }

  /** The members of a snapshot as JSON text (`"epoch":…,"room":{…}`): encoded once a revision, however many join. */
  snapshotJson(head: Head, state: RoomState): string {
    if (this.#snapshot?.head !== head) {
      this.#metrics.snapshotsEncoded += 1;
      const room = JSON.stringify(state.public);
      const hash = stateHash(state.public);
      this.#snapshot = {
        head,
        json: `"roomId":"${this.#roomId}","epoch":${head.epoch},"revision":${head.revision},"hash":"${hash}","room":${room}`,
      };
    }
    return this.#snapshot.json;
  }

  #encode(step: Step): string {
    const { before, after, revision } = step;
    const patch: JsonObject = diff(before.public, after.public);
    const entry: Revision = {
      revision,
      event: publicEvent(step.event),
      patch,
      ...(revision % HASH_EVERY === 0 ? { hash: stateHash(after.public) } : {}),
    };
    return JSON.stringify(entry);
  }

  #keep(epoch: number, first: number, revisions: readonly string[]): void {
    if (epoch !== this.#epoch || first !== this.#last + 1) {
      this.#kept = [];
      this.#keptChars = 0;
    }
    this.#epoch = epoch;
    this.#last = first + revisions.length - 1;
    for (const json of revisions) {
      this.#kept.push(json);
      this.#keptChars += json.length;
    }
    while (
      this.#kept.length > MAX_KEPT ||
      (this.#keptChars > MAX_KEPT_CHARS && this.#kept.length > 1)
    ) {
      this.#keptChars -= this.#kept.shift()?.length ?? 0;
    }
  }
}
