// A collector of traces: a real HTTP server that takes what OTLP says, and nothing else.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const Value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const Attributes = z.array(z.strictObject({ key: z.string().min(1), value: Value }));
const nanos = z.string().regex(/^\d{19}$/);
const SpanBody = z
  .strictObject({
    traceId: z.string().regex(/^(?!0{32})[\da-f]{32}$/),
    spanId: z.string().regex(/^(?!0{16})[\da-f]{16}$/),
    parentSpanId: z
      .string()
      .regex(/^[\da-f]{16}$/)
      .optional(),
    name: z.string().min(1),
    kind: z.int().min(1).max(5),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes: Attributes,
    status: z.strictObject({
      code: z.int().min(0).max(2).optional(),
      message: z.string().optional(),
    }),
  })
  .refine((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
/** The JSON of `ExportTraceServiceRequest`, as far as Earshot has members of it. */
const ExportBody = z.strictObject({
  resourceSpans: z
    .array(
      z.strictObject({
        resource: z.strictObject({ attributes: Attributes }),
        scopeSpans: z
          .array(
            z.strictObject({
              scope: z.strictObject({ name: z.string().min(1) }),
              spans: z.array(SpanBody).min(1),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

export type CollectedSpan = z.infer<typeof SpanBody>;

export class OtlpCollector {
  readonly url: string;
  readonly spans: CollectedSpan[] = [];
  readonly resources: Record<string, unknown>[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  /** What was no export of traces, for the test to find none. */
  readonly faults: string[] = [];
  requests = 0;
  /** What it answers with; spans are taken with 200 alone. */
  status = 200;
  /** Of the spans of each request, how many it says that it has not taken. */
  rejects = 0;
  /** It hears, and answers nothing. */
  isSilent = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<OtlpCollector> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const collector = new OtlpCollector(server);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        collector.requests += 1;
        const { method, url, headers } = request;
        collector.headers.push(headers);
        if (method !== 'POST' || url !== '/v1/traces')
          collector.faults.push(`${String(method)} ${String(url)}`);
        if (headers['content-type'] !== 'application/json')
          collector.faults.push(`content-type ${String(headers['content-type'])}`);
        if (collector.isSilent) return;
        if (collector.status === 200) collector.#take(body);
        response.writeHead(collector.status, { 'content-type': 'application/json' });
        const partialSuccess =
          collector.rejects === 0 ? {} : { rejectedSpans: String(collector.rejects) };
        response.end(JSON.stringify({ partialSuccess }));
      });
    });
    return collector;
  }

  #take(body: string): void {
    const parsed = ExportBody.safeParse(JSON.parse(body));
    if (!parsed.success) {
      this.faults.push(z.prettifyError(parsed.error));
      return;
    }
    for (const { resource, scopeSpans } of parsed.data.resourceSpans) {
      this.resources.push(attributesOf(resource));
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }

  /** The spans of one trace, by name. */
  trace(traceId: string): Map<string, CollectedSpan> {
    return new Map(
      this.spans.filter((span) => span.traceId === traceId).map((span) => [span.name, span]),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function attributesOf({
  attributes,
}: Pick<CollectedSpan, 'attributes'>): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
