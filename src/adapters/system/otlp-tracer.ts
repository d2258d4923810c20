// Traces for an OpenTelemetry collector: spans in memory, a bounded number of them, posted in batches by OTLP over HTTP as JSON
// (opentelemetry.io/docs/specs/otlp). Whoever is traced never waits for it, and what cannot be sent is dropped and counted.
import { randomBytes } from 'node:crypto';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';
import type { Span, SpanAttributes, Tracer } from '../../ports/tracer.ts';
import { whyOf } from './why.ts';

export interface OtlpTracerOptions {
  /** Where batches are posted, `…/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Part of all traces that is made, 0 to 1. */
  readonly ratio: number;
  /** Who makes them, as `service.name`. */
  readonly resource: SpanAttributes;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Uniform in [0, 1). */
  random(): number;
  /** Unix time, ms, fractional, monotonic. */
  now(): number;
}

const EXPORT_EVERY_MS = 2_000;
const MAX_BATCH = 512;
/** Some five megabytes: more is not kept for a collector that is away. */
const MAX_WAITING = 8_192;
const PATIENCE_MS = 5_000;
const STOP_WITHIN_MS = 3_000;
/** Worth telling again; anything else is refused for what it is. */
const PASSING = new Set([408, 429, 502, 503, 504]);
/** Of OTLP: `internal` for what is within the service, `server` for what it was asked. */
const KIND = { internal: 1, server: 2 } as const;
const STATUS_ERROR = 2;

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly object[];
  readonly status: { readonly code?: number; readonly message?: string };
}

export class OtlpTracer implements Tracer {
  readonly #options: OtlpTracerOptions;
  readonly #cancel: () => void;
  #waiting: OtlpSpan[] = [];
  #exporting: Promise<void> | undefined;
  #isAway = false;
  #exported = 0;
  #dropped = 0;
  #failures = 0;

  constructor(options: OtlpTracerOptions) {
    this.#options = options;
    const total = (name: string, help: string, read: () => number): void =>
      options.metrics.total({ name: `earshot_trace_${name}_total`, help }, read);
    total('spans_exported', 'Spans that the collector has taken.', () => this.#exported);
    total(
      'spans_dropped',
      'Spans that the collector refused, or that too many waited before.',
      () => this.#dropped,
    );
    total('export_failures', 'Batches of spans that could not be sent.', () => this.#failures);
    this.#cancel = options.timers.every(EXPORT_EVERY_MS, () => this.#exportSoon());
  }

  begin(name: string, attributes: SpanAttributes): Span | undefined {
    if (this.#options.random() >= this.#options.ratio) return undefined;
    return this.#span({ traceId: idOf(16), parentId: undefined, name, attributes });
  }

  /**
   * Sends what is left, as long as a process that is to end may take for it; the rest is dropped, and counted.
   * @param withinMs where it may take less than some seconds, ms
   */
  async stop(withinMs = STOP_WITHIN_MS): Promise<void> {
    this.#cancel();
    const sent = Promise.resolve(this.#exporting).then(() => this.#exportAll());
    await endsWithin(this.#options.timers, Math.min(withinMs, STOP_WITHIN_MS), sent);
    this.#dropped += this.#waiting.length;
    this.#waiting.length = 0;
  }

  #span(begun: {
    readonly traceId: string;
    readonly parentId: string | undefined;
    readonly name: string;
    readonly attributes: SpanAttributes;
  }): Span {
    const { traceId, parentId, name, attributes } = begun;
    const spanId = idOf(8);
    const startedAt = this.#options.now();
    return {
      child: (childName) =>
        this.#span({ traceId, parentId: spanId, name: childName, attributes: {} }),
      end: (more = {}, failure) => {
        this.#add({
          traceId,
          spanId,
          ...(parentId === undefined ? {} : { parentSpanId: parentId }),
          name,
          kind: parentId === undefined ? KIND.server : KIND.internal,
          startTimeUnixNano: nanosOf(startedAt),
          endTimeUnixNano: nanosOf(Math.max(startedAt, this.#options.now())),
          attributes: attributesOf({ ...attributes, ...more }),
          status: failure === undefined ? {} : { code: STATUS_ERROR, message: failure },
        });
      },
    };
  }

  #add(span: OtlpSpan): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= MAX_BATCH && !this.#isAway) this.#exportSoon();
  }

  #exportSoon(): void {
    this.#exporting ??= this.#exportAll().finally(() => {
      this.#exporting = undefined;
    });
  }

  /** Until nothing waits, or the collector does not take it. */
  async #exportAll(): Promise<void> {
    while (this.#waiting.length > 0 && (await this.#exportBatch()));
  }

  /** @returns whether it is worth going on. Never rejects */
  async #exportBatch(): Promise<boolean> {
    const batch = this.#waiting.splice(0, MAX_BATCH);
    if (batch.length === 0) return false;
    let reason: string;
    try {
      const response = await this.#post(batch);
      if (response.ok) {
        const rejected = Math.min(batch.length, await rejectedBy(response));
        this.#dropped += rejected;
        this.#exported += batch.length - rejected;
        if (this.#isAway) this.#options.log.info({}, 'the collector takes traces again');
        this.#isAway = false;
        return true;
      }
      await response.body?.cancel();
      reason = `it answers ${response.status}`;
      if (!PASSING.has(response.status)) {
        this.#failed(reason);
        this.#dropped += batch.length;
        return true;
      }
    } catch (error) {
      reason = whyOf(error);
    }
    this.#failed(reason);
    const kept = batch.slice(0, MAX_WAITING - this.#waiting.length);
    this.#dropped += batch.length - kept.length;
    this.#waiting.unshift(...kept);
    return false;
  }

  #failed(reason: string): void {
    this.#failures += 1;
    if (!this.#isAway) this.#options.log.warn({ reason }, 'the collector takes no traces');
    this.#isAway = true;
  }

  #post(spans: readonly OtlpSpan[]): Promise<Response> {
    const { url, headers, resource } = this.#options;
    return fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: attributesOf(resource) },
            scopeSpans: [{ scope: { name: 'earshot' }, spans }],
          },
        ],
      }),
      // The headers may be secret: nobody else gets them.
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  }
}

function idOf(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

function nanosOf(unixMs: number): string {
  return BigInt(Math.round(unixMs * 1e6)).toString();
}

function attributesOf(attributes: SpanAttributes): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  // 64 bits are a text in the JSON of protocol buffers.
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** How many spans of the batch the collector has not taken, as it says in its answer. */
async function rejectedBy(response: Response): Promise<number> {
  try {
    const body = (await response.json()) as {
      readonly partialSuccess?: { readonly rejectedSpans?: string | number };
    } | null;
    const rejected = Number(body?.partialSuccess?.rejectedSpans ?? 0);
    return Number.isFinite(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    // It says nothing, which means that it took them all.
    return 0;
  }
}
