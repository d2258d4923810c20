// Owns one joined room's copy: keeps it in step with the hub, and repairs what is missing by joining again. Knows nothing of
// sockets, only how to ask.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';
import type { Joined, Push, Revision } from '../../protocol/schemas/pushes.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { Backoff } from './backoff.ts';
import { ChatRepair } from './chat-repair.ts';
import { NO_CHAT, chatHeldUpTo, mergeChat, unreadChat } from './chat-store.ts';
import { isErrorCode, type EarshotError } from './errors.ts';
import { isJoined } from './inbound.ts';
import { Listeners } from './listeners.ts';
import { Cell } from './observable.ts';
import type { Platform, TimerHandle } from './platform.ts';
import type { Outcome, SendOptions } from './request-book.ts';
import {
  applyPresence,
  applyRevisions,
  chatAfterJoin,
  copyOf,
  isProven,
  type LeftReason,
  type RoomCopy,
  type RoomView,
} from './room-store.ts';

export type RoomPush = Extract<Push, { readonly type: `room.${string}` }>;

export function isRoomPush(push: Push): push is RoomPush {
  return push.type.startsWith('room.');
}

export type Send = <T extends RequestType>(
  type: T,
  body: RequestBody<T>,
  options: SendOptions,
  done: (outcome: Outcome<T>) => void,
) => unknown;

export interface RoomReplicaOptions {
  readonly userId: UserId;
  readonly platform: Platform;
  readonly send: Send;
  /** It was left for good: nothing of it is wanted any more. */
  readonly onLeft: () => void;
}

/** How often something had to be put right. */
export interface RepairCounts {
  /** Joined again because revisions or presence were missing. */
  holes: number;
  /** What was held was not what the hub hashed. */
  mismatches: number;
  chatHoles: number;
}

/** How long the view says that it was behind, ms. */
const BEHIND_SHOWN_MS = 5_000;

export class RoomReplica {
  readonly id: RoomId;
  readonly view: Cell<RoomView>;
  readonly events = new Listeners<[event: PublicEvent]>();
  readonly reactions = new Listeners<
    [counts: Readonly<Record<string, number>>, from: readonly UserId[]]
  >();
  readonly #options: RoomReplicaOptions;
  readonly #backoff: Backoff;
  readonly #chat: ChatRepair;
  readonly #repairs = { holes: 0, mismatches: 0 };
  #isJoining = false;
  /** A whole snapshot was asked for because of a hash; if that one does not match either, asking once more would go on for ever. */
  #isDistrusted = false;
  #rejoinTimer: TimerHandle;
  #behindTimer: TimerHandle;
  #whenSettled: (() => void)[] = [];

  /** @param joined a reply with a snapshot */
  constructor(joined: Joined, options: RoomReplicaOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ random: () => options.platform.random() });
    this.#chat = new ChatRepair({
      held: () => this.view.value.chat,
      mayAsk: () => this.view.value.status === 'joined',
      show: (chat) => this.#change({ chat }),
      ask: ({ before, limit }, done) => {
        options.send('chat.history', { roomId: this.id, before, limit }, {}, done);
      },
    });
    const { snapshot } = joined;
    if (snapshot === undefined) throw new TypeError('a first join brings a snapshot');
    this.id = joined.roomId;
    this.view = new Cell<RoomView>({
      room: snapshot.room,
      epoch: snapshot.epoch,
      revision: snapshot.revision,
      presence: joined.presence,
      you: joined.you,
      chat: NO_CHAT,
      status: 'joined',
      behind: false,
    });
    this.accept(joined);
  }

  get repairs(): RepairCounts {
    return { ...this.#repairs, chatHoles: this.#chat.holes };
  }

  /** A reply to `room.join`: what is held is now what the hub has. */
  accept(joined: Joined): void {
    if (this.view.value.status === 'left') return;
    const { snapshot, resumed, presence, you } = joined;
    const before = this.view.value;
    const isNewEpoch = snapshot !== undefined && snapshot.epoch !== before.epoch;
    const chat = chatAfterJoin(before.chat, joined.chat, isNewEpoch);
    if (isNewEpoch || chat.lastSeq < before.chat.lastSeq) this.#chat.startOver();
    if (snapshot !== undefined) {
      this.#show({ ...copyOf(snapshot, { presence, you, chat }) }, 'joined');
      this.#judge(isProven(snapshot));
    } else if (resumed !== undefined) {
      const kind = this.#advance(resumed.epoch, resumed.revisions, { presence, you, chat });
      const { epoch, revision } = this.view.value;
      const isComplete = epoch === resumed.epoch && revision >= resumed.revision;
      if (kind === 'mismatch') this.#judge(false);
      else if (isComplete) this.#judge(true);
      else this.#joinAnew();
    }
    this.#chat.repair();
  }

  receive(push: RoomPush): void {
    if (this.view.value.status === 'left') return;
    switch (push.type) {
      case 'room.events':
        this.#onEvents(push.epoch, push.revisions);
        break;
      case 'room.snapshot': {
        const { presence, you, chatSeq } = push;
        const { chat: held, epoch } = this.view.value;
        const isAnew = push.reason === 'epoch' || push.epoch !== epoch || chatSeq < held.lastSeq;
        const chat = isAnew ? unreadChat(chatSeq) : mergeChat(held, [], chatSeq);
        if (isAnew) this.#chat.startOver();
        this.#show(copyOf(push, { presence, you, chat }), 'joined');
        this.#showBehind();
        this.#judge(isProven(push));
        this.#chat.repair();
        break;
      }
      case 'room.presence': {
        const presence = applyPresence(this.view.value.presence, push);
        if (presence === undefined) this.#onHole();
        else this.#change({ presence });
        break;
      }
      case 'room.sync': {
        const { p50Ms, p95Ms, members } = push;
        this.#change({ sync: { p50Ms, p95Ms, members } });
        break;
      }
      case 'room.chat':
        this.#change({ chat: mergeChat(this.view.value.chat, push.items) });
        this.#chat.repair();
        break;
      case 'room.reactions':
        this.reactions.call(push.counts, push.from);
        break;
      case 'room.knocked':
        this.#change({ you: { ...this.view.value.you, waiting: push.waiting } });
        break;
      case 'room.left':
        this.left(push.reason);
        break;
      case 'room.admitted':
        break;
    }
  }

  /** The socket is gone: what is shown may be old, and nothing can be asked until `resume`. */
  disconnected(): void {
    if (this.view.value.status === 'left') return;
    this.#isJoining = false;
    this.#clearRejoin();
    this.#change({ status: 'reconnecting' });
    this.#settle();
  }

  /** There is a socket again: goes on where it was. `settled` is called when that has worked or will not. */
  resume(settled: () => void): void {
    this.#whenSettled.push(settled);
    this.#isJoining = false;
    this.#backoff.reset();
    this.#clearRejoin();
    // What a hash has disproved is no base, though the question for the whole was lost with the last socket.
    this.#join(!this.#isDistrusted);
  }

  /** It is over, for the given reason: nothing comes back by itself. */
  left(reason: LeftReason): void {
    if (this.view.value.status === 'left') return;
    this.#clearRejoin();
    if (this.#behindTimer !== undefined) {
      this.#options.platform.clearTimeout(this.#behindTimer);
      this.#behindTimer = undefined;
    }
    this.#options.onLeft();
    this.#change({ status: 'left', leftReason: reason, behind: false });
    this.#settle();
  }

  /** Puts a page of older chat before what is held. */
  older(done: (error?: EarshotError) => void): void {
    this.#chat.older(done);
  }

  #onEvents(epoch: number, revisions: readonly Revision[]): void {
    const kind = this.#advance(epoch, revisions, {});
    // While a join is under way its reply brings what is missing here.
    if (kind === 'hole') this.#onHole();
    else if (kind === 'mismatch' && !this.#isJoining) this.#judge(false);
  }

  #advance(
    epoch: number,
    revisions: readonly Revision[],
    rest: Partial<RoomCopy>,
  ): 'applied' | 'hole' | 'mismatch' {
    const { view } = this;
    const outcome = applyRevisions(view.value, epoch, revisions, this.#options.userId);
    const { room, revision, you } = outcome.copy;
    const isSame = revision === view.value.revision;
    const isRejoin = rest.presence !== undefined;
    if (!isSame || isRejoin) {
      const shown: RoomView = { ...view.value, room, revision, you, ...rest };
      view.set(isRejoin ? { ...shown, status: 'joined' } : shown);
    }
    for (const event of outcome.events) this.events.call(event);
    return outcome.kind;
  }

  #onHole(): void {
    if (this.#isJoining || this.#rejoinTimer !== undefined) return;
    this.#repairs.holes += 1;
    this.#join(true);
  }

  #joinAnew(): void {
    if (this.#isJoining || this.#isDistrusted) return;
    this.#repairs.holes += 1;
    this.#isDistrusted = true;
    this.#join(false);
  }

  #judge(isRight: boolean): void {
    if (isRight) {
      this.#isDistrusted = false;
      return;
    }
    this.#repairs.mismatches += 1;
    if (this.#isDistrusted) {
      // The whole snapshot was asked for already: showing it is the best that is left.
      this.#isDistrusted = false;
      return;
    }
    this.#isDistrusted = true;
    this.#join(false);
  }

  /** @param goOn whether what is held is a base to go on from; else the whole snapshot is asked for */
  #join(goOn: boolean): void {
    if (this.#isJoining || this.view.value.status === 'left') return;
    this.#isJoining = true;
    const { epoch, revision, chat } = this.view.value;
    const since = { epoch, revision, chat: chatHeldUpTo(chat) };
    const body: RequestBody<'room.join'> = { roomId: this.id, ...(goOn ? { since } : {}) };
    this.#options.send('room.join', body, { onThisSocketOnly: true }, (outcome) => {
      this.#onJoined(outcome, goOn);
    });
  }

  #onJoined(outcome: Outcome<'room.join'>, goOn: boolean): void {
    if (this.view.value.status === 'left') return;
    this.#isJoining = false;
    if (outcome.kind === 'ok' && isJoined(outcome.body)) {
      this.#backoff.reset();
      this.accept(outcome.body);
      this.#settle();
    } else if (outcome.kind === 'failed' && outcome.error.code === 'connection_lost') {
      // `resume` comes with the next socket.
    } else if (outcome.kind === 'failed' && !outcome.error.retryable) {
      const { code } = outcome.error;
      this.left(isErrorCode(code) ? code : 'internal');
    } else {
      const atLeastMs = outcome.kind === 'failed' ? (outcome.error.retryAfterMs ?? 0) : 0;
      this.#rejoinTimer = this.#options.platform.setTimeout(() => {
        this.#rejoinTimer = undefined;
        this.#join(goOn);
      }, this.#backoff.next(atLeastMs));
      this.#settle();
    }
  }

  #showBehind(): void {
    const { platform } = this.#options;
    if (this.#behindTimer !== undefined) platform.clearTimeout(this.#behindTimer);
    this.#behindTimer = platform.setTimeout(() => {
      this.#behindTimer = undefined;
      this.#change({ behind: false });
    }, BEHIND_SHOWN_MS);
    this.#change({ behind: true });
  }

  #show(copy: RoomCopy, status: RoomView['status']): void {
    this.view.set({ ...this.view.value, ...copy, status });
  }

  #change(part: Partial<RoomView>): void {
    const { value } = this.view;
    const isSame = Object.entries(part).every(([key, to]) =>
      Object.is(value[key as keyof RoomView], to),
    );
    if (!isSame) this.view.set({ ...value, ...part });
  }

  #settle(): void {
    for (const settled of this.#whenSettled.splice(0)) settled();
  }

  #clearRejoin(): void {
    if (this.#rejoinTimer === undefined) return;
    this.#options.platform.clearTimeout(this.#rejoinTimer);
    this.#rejoinTimer = undefined;
  }
}
