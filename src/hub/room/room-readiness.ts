// Who has buffered what, and how well in step everybody is: here, and as the other nodes tell. Fleeting: what is lost is told again.
import type { EntryId, RoomId } from '../../../protocol/ids.ts';
import type { RequestOf } from '../../../protocol/schemas/requests.ts';
import { leadNeeded, leadWithin, type LeadBounds } from '../../domain/lead.ts';
import type { Bus, BusMessage, MemberReport, NodeId } from '../../ports/bus.ts';
import type { Timers } from '../../ports/timers.ts';
import type { Membership } from '../connection.ts';
import type { RoomMembers } from './room-members.ts';
import { syncSummary, type SyncSummary } from './room-sync.ts';

export interface RoomReadinessDeps {
  /** Undefined where this process is alone. */
  readonly bus: Bus | undefined;
  readonly timers: Timers;
  readonly members: RoomMembers;
  readonly syncPushMs: number;
  push(summary: SyncSummary): void;
  /** Members of another node have buffered more than before. */
  readyElsewhere(): void;
}

type Told = Extract<BusMessage, { type: 'members' }>;

const MAX_READY_ENTRIES = 4;
/** Who gets ready within this window is told to the other nodes as one: a gate may wait for it. */
const TELL_READY_MS = 10;
/** A sample of this size says as much about a crowd as all of it. */
const MAX_REPORTS_TOLD = 200;

export class RoomReadiness {
  readonly #roomId: RoomId;
  readonly #deps: RoomReadinessDeps;
  readonly #elsewhere = new Map<NodeId, Told>();
  #nodes: ReadonlySet<NodeId> = new Set();
  /** Somebody here has reported since the other nodes were told. */
  #hasNews = false;
  #lead: { readonly neededMs: number | undefined } | undefined;
  #cancelSync: (() => void) | undefined;
  #cancelTell: (() => void) | undefined;

  constructor(roomId: RoomId, deps: RoomReadinessDeps) {
    this.#roomId = roomId;
    this.#deps = deps;
  }

  setReady(membership: Membership, entryId: EntryId): void {
    if (membership.ready.includes(entryId)) return;
    membership.ready = [...membership.ready, entryId].slice(-MAX_READY_ENTRIES);
    if (!this.#hasNeighbours()) return;
    this.#cancelTell ??= this.#deps.timers.after(TELL_READY_MS, () => {
      this.#cancelTell = undefined;
      this.#tell();
    });
  }

  report(membership: Membership, report: RequestOf<'sync.report'>): void {
    const { errorMs, rttMs, outputLatencyMs, state } = report;
    membership.report = { errorMs, rttMs, outputLatencyMs, state };
    this.#hasNews = true;
    this.forgetLead();
    this.#pushSoon();
  }

  /** How many of all members have buffered the start of an entry. */
  readyCount(entryId: EntryId): number {
    let count = 0;
    for (const { ready } of this.#deps.members.all()) if (ready.includes(entryId)) count += 1;
    for (const { ready } of this.#elsewhere.values()) count += ready[entryId] ?? 0;
    return count;
  }

  /** Worked out once for all decisions until somebody reports or goes. */
  leadMs(bounds: LeadBounds, gateMs: number): number {
    this.#lead ??= { neededMs: leadNeeded(this.#reports()) };
    return leadWithin(this.#lead.neededMs, bounds, gateMs);
  }

  forgetLead(): void {
    this.#lead = undefined;
  }

  hear(node: NodeId, told: Told): void {
    this.#elsewhere.set(node, told);
    this.forgetLead();
    if (told.reports.length > 0) this.#pushSoon();
    this.#deps.readyElsewhere();
  }

  /** These are the nodes with people in the room now. Who has just come among them knows nothing of those here yet. */
  setNodes(nodes: ReadonlySet<NodeId>): void {
    this.forgetLead();
    for (const node of this.#elsewhere.keys()) {
      if (!nodes.has(node)) this.#elsewhere.delete(node);
    }
    const isNews = [...nodes].some((node) => !this.#nodes.has(node));
    this.#nodes = nodes;
    if (!isNews) return;
    for (const { ready, report } of this.#deps.members.all()) {
      if (ready.length === 0 && report === undefined) continue;
      this.#tell();
      return;
    }
  }

  stop(): void {
    this.#cancelSync?.();
    this.#cancelTell?.();
  }

  #pushSoon(): void {
    this.#cancelSync ??= this.#deps.timers.after(this.#deps.syncPushMs, () => {
      this.#cancelSync = undefined;
      if (this.#hasNews && this.#hasNeighbours()) this.#tell();
      this.#hasNews = false;
      const summary = syncSummary(this.#reports());
      if (summary !== undefined) this.#deps.push(summary);
    });
  }

  #hasNeighbours(): boolean {
    return this.#deps.members.countElsewhere > 0;
  }

  *#reports(): Generator<MemberReport> {
    for (const { userId, report } of this.#deps.members.all()) {
      if (report !== undefined) yield { userId, ...report };
    }
    for (const { reports } of this.#elsewhere.values()) yield* reports;
  }

  #tell(): void {
    const ready: Record<EntryId, number> = {};
    const reports: MemberReport[] = [];
    let reporting = 0;
    for (const { userId, ready: entries, report } of this.#deps.members.all()) {
      for (const entryId of entries as EntryId[]) ready[entryId] = (ready[entryId] ?? 0) + 1;
      if (report === undefined) continue;
      reporting += 1;
      if (reports.length < MAX_REPORTS_TOLD) reports.push({ userId, ...report });
    }
    this.#deps.bus?.publish(this.#roomId, { type: 'members', ready, reports, reporting });
  }
}
