// The keys of the environment that tell where traces go, and how many of them.
import { z } from 'zod';

const HEADER = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([^\s,][^,]*?)\s*$/;

export const TELEMETRY_KEYS = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .optional()
    .describe(
      'OpenTelemetry collector that gets traces of commands by OTLP over HTTP, http://collector:4318; default: none are made',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .optional()
    .describe('headers for the collector, name=value by commas, the values percent-encoded'),
  TRACE_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('part of all commands that is traced, 0 to 1'),
};

type TelemetryEnvironment = z.infer<z.ZodObject<typeof TELEMETRY_KEYS>>;

export interface TracesConfig {
  /** Where batches are posted. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ratio: number;
}

/** What of these keys cannot be used, one line each. Never has a header's value in it. */
export function telemetryFaults(env: TelemetryEnvironment): string[] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = env;
  const faults: string[] = [];
  if (endpoint !== undefined && !isEndpoint(endpoint))
    faults.push('OTEL_EXPORTER_OTLP_ENDPOINT: is no address such as http://collector:4318');
  if (headers !== undefined && headersOf(headers) === undefined)
    faults.push('OTEL_EXPORTER_OTLP_HEADERS: is no list such as authorization=Basic%20abc');
  if (headers !== undefined && endpoint === undefined)
    faults.push(
      'OTEL_EXPORTER_OTLP_HEADERS: is for a collector, so set OTEL_EXPORTER_OTLP_ENDPOINT',
    );
  return faults;
}

/** Undefined: nothing is traced. */
export function tracesOf(env: TelemetryEnvironment): TracesConfig | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TRACE_RATIO: ratio } = env;
  if (endpoint === undefined || ratio === 0) return undefined;
  return {
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: headersOf(env.OTEL_EXPORTER_OTLP_HEADERS ?? '') ?? {},
    ratio,
  };
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  return isPlain && (protocol === 'http:' || protocol === 'https:');
}

/** Undefined where it is no such list. */
function headersOf(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const [, name = '', value = ''] = HEADER.exec(part) ?? [];
    if (name === '') return undefined;
    try {
      headers[name.toLowerCase()] = decodeURIComponent(value);
    } catch {
      // A % that encodes nothing.
      return undefined;
    }
  }
  return headers;
}
