// From the environment to one frozen configuration: every key with its meaning and default, every bad one named at once.
import path from 'node:path';
import { z } from 'zod';
import { BACKUP_KEYS, backupFaults, backupOf, type BackupConfig } from './backup-config.ts';
import { DEFAULT_HUB_OPTIONS, isSameOrigin, type HubOptions } from './hub/hub-options.ts';
import { NO_PROXY, readProxyTrust } from './hub/proxy-trust.ts';
import { OperationalError } from './ports/operational-error.ts';
import { withSecretFiles } from './secret-files.ts';
import {
  IDENTITY_KEYS,
  identityFaults,
  identityOf,
  secret,
  type IdentityConfig,
} from './identity-config.ts';
import type { TlsFiles } from './ports/sockets.ts';
import { productionFaults } from './production-faults.ts';
import {
  STORE_KEYS,
  count,
  positive,
  activityLifeOf,
  mongoOf,
  postgresOf,
  redisOf,
  storeFaults,
  type MongoConfig,
  type PostgresConfig,
  type RedisConfig,
} from './store-config.ts';
import {
  TELEMETRY_KEYS,
  telemetryFaults,
  tracesOf,
  type TracesConfig,
} from './telemetry-config.ts';

const D = DEFAULT_HUB_OPTIONS;

/** Nobody is given longer. A timer of Node that is to wait for more than 24.8 days fires at once. */
const MOST_HELLO_MS = 600_000;
const MOST_GRACE_MS = 86_400_000;

/** A number of a hub option; its default is the option's own. */
const limit = (value: number, describe: string) => positive.default(value).describe(describe);

/** A time of a hub option, ms, which a timer waits for. */
const time = (value: number, mostMs: number, describe: string) =>
  positive.max(mostMs).default(value).describe(describe);

const EnvironmentSchema = z.object({
  HOST: z.string().min(1).default('0.0.0.0').describe('address to listen on'),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8080)
    .describe('port of the page, REST, media and socket'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('where people reach this service; told at start'),
  DATA_DIR: z.string().min(1).default('data').describe('folder of everything that is kept'),
  MEDIA_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('folder of music; default: demo tracks made in DATA_DIR'),
  TRANSPORT: z
    .enum(['auto', 'uws', 'ws'])
    .default('auto')
    .describe('uWebSockets.js, ws, or the first that loads'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  GUESTS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('whether people without an account may come in with a name'),
  ...STORE_KEYS,
  ...TELEMETRY_KEYS,
  ...BACKUP_KEYS,
  NODE_ENV: z
    .string()
    .optional()
    .describe(
      'production: TOKEN_SECRET, and ALLOWED_ORIGINS or PUBLIC_URL, must be set, and a secret must be no default',
    ),
  TOKEN_SECRET: secret
    .optional()
    .describe('signs tokens and media URLs; default: made at the first start and kept in DATA_DIR'),
  GUEST_TOKEN_DAYS: positive.max(3_650).default(90).describe('how long a guest’s token holds'),
  ...IDENTITY_KEYS,
  MEDIA_URL_MINUTES: positive
    .max(10_080)
    .default(240)
    .describe('how long a media URL holds at least; at most a quarter of it, or an hour, longer'),
  ALLOWED_ORIGINS: z
    .string()
    .optional()
    .describe(
      'origins of pages that may use the socket and REST, by commas; default: this very host, in production that of PUBLIC_URL',
    ),
  TRUST_PROXY: z
    .string()
    .refine((text) => readProxyTrust(text) !== undefined, {
      error: 'is off, on, a number of proxies, or their addresses and networks by commas',
    })
    .default('off')
    .describe(
      'whose X-Forwarded-For is taken for the client’s address: nobody’s, that of one proxy (on), of so many in a row, or of those with these addresses or networks (by commas)',
    ),
  TLS_CERT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('certificate with its chain (PEM), to speak TLS on PORT; default: plain HTTP'),
  TLS_KEY_FILE: z.string().min(1).optional().describe('the key of TLS_CERT_FILE (PEM)'),
  TLS_RENEW_SECONDS: positive
    .max(86_400)
    .default(60)
    .describe('how often it is looked whether the certificate has changed'),
  DRAIN_MS: count
    .max(600_000)
    .default(D.drain.leastMs)
    .describe(
      'window in which clients leave when the service stops, ms; longer where they are many: by DRAIN_PER_SECOND',
    ),
  DRAIN_PER_SECOND: limit(
    D.drain.perSecond,
    'clients that leave this machine in a second, those of all its workers together: as many as the other nodes take back without making anybody wait',
  ),
  DRAIN_MAX_MS: count
    .max(600_000)
    .default(D.drain.mostMs)
    .describe(
      'the longest to which that window grows, ms; both must end some seconds before a process that was told to stop is killed',
    ),
  MAX_CONNECTIONS: limit(D.maxConnections, 'open sockets'),
  MAX_CONNECTIONS_PER_USER: limit(
    D.maxConnectionsPerUser,
    'open sockets of one person on this node',
  ),
  MAX_CONNECTIONS_PER_ADDRESS: limit(
    D.maxConnectionsPerAddress,
    'open sockets of one address on this node',
  ),
  MAX_ROOMS_PER_CONNECTION: limit(D.maxRoomsPerConnection, 'rooms joined by one socket'),
  MAX_ROOM_MEMBERS: limit(D.maxRoomMembers, 'people in one room'),
  MAX_QUEUE_ENTRIES: limit(D.domain.maxQueueEntries, 'entries in one queue'),
  REQUESTS_PER_SECOND: limit(
    D.connectionRate.perSecond,
    'request tokens a connection gets back each second',
  ),
  REQUEST_BURST: limit(D.connectionRate.burst, 'request tokens of a rested connection'),
  USER_REQUESTS_PER_SECOND: limit(
    D.userRate.perSecond,
    'request tokens a person gets back each second, on all nodes together',
  ),
  USER_REQUEST_BURST: limit(D.userRate.burst, 'request tokens of a rested person'),
  GUESTS_PER_MINUTE: limit(
    D.guestRate.perSecond * 60,
    'guests that one address may make in a minute',
  ),
  GUEST_BURST: limit(D.guestRate.burst, 'guests that one address may make at once'),
  ROOMS_PER_MINUTE: limit(
    D.roomRate.perSecond * 60,
    'rooms that one person may make in a minute, on all nodes together',
  ),
  ROOM_BURST: limit(D.roomRate.burst, 'rooms that a rested person may make at once'),
  ADDRESS_ROOMS_PER_MINUTE: limit(
    D.addressRoomRate.perSecond * 60,
    'rooms that may be made from one address in a minute, on all nodes together',
  ),
  ADDRESS_ROOM_BURST: limit(
    D.addressRoomRate.burst,
    'rooms that may be made from a rested address at once',
  ),
  SOFT_BUFFER_BYTES: limit(
    D.softBufferBytes,
    'unread bytes above which a socket is behind and gets one snapshot',
  ),
  HARD_BUFFER_BYTES: limit(
    D.hardBufferBytes,
    'unread bytes above which a socket is closed as too slow',
  ),
  HELLO_TIMEOUT_MS: time(
    D.helloTimeoutMs,
    MOST_HELLO_MS,
    'time for the first frame; its answer has three times as long',
  ),
  MAX_HELLOS_AT_ONCE: limit(
    D.maxHellosAtOnce,
    'first frames that are looked at at once; the others wait for their turn',
  ),
  PRESENCE_GRACE_MS: time(
    D.presenceGraceMs,
    MOST_GRACE_MS,
    'time in which a lost socket may come back unnoticed',
  ),
  HOST_GRACE_MS: time(
    D.domain.hostGraceMs,
    MOST_GRACE_MS,
    'time after which somebody else takes over from an absent host',
  ),
});

type Environment = z.infer<typeof EnvironmentSchema>;

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly dataDir: string;
  /** Undefined: demo tracks. */
  readonly mediaDir: string | undefined;
  readonly transport: Environment['TRANSPORT'];
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly guests: boolean;
  readonly tokenSecret: string | undefined;
  readonly guestTokenLifeMs: number;
  readonly identity: IdentityConfig;
  readonly mediaUrlLifeMs: number;
  readonly allowedOrigins: readonly string[] | undefined;
  /** Undefined: plain HTTP. */
  readonly tls: (TlsFiles & { readonly renewMs: number }) | undefined;
  /** Undefined: this process is alone. */
  readonly redis: RedisConfig | undefined;
  /** Undefined: the embedded one. */
  readonly postgres: PostgresConfig | undefined;
  /** Undefined: activity and listens are in Postgres. */
  readonly mongo: MongoConfig | undefined;
  /** How long what was listened to is kept; undefined: for ever. */
  readonly activityLifeMs: number | undefined;
  readonly clusterWorkers: number;
  /** Undefined: none are made. */
  readonly backup: BackupConfig | undefined;
  /** Undefined: nothing is traced. */
  readonly traces: TracesConfig | undefined;
  readonly hub: HubOptions;
}

/** The environment has keys that cannot be used. The message is one line for each of them. */
export class BadConfig extends OperationalError {
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'BadConfig';
  }
}

/**
 * Reads the whole configuration.
 * @param environment for instance `process.env`; an empty value, or one of blanks alone, counts as none
 * @param purpose whoever does not serve people needs none of what production asks for
 * @throws BadConfig that names every bad key
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  purpose: 'serve' | 'tend' = 'serve',
): Config {
  const given = Object.fromEntries(
    // Blanks alone would be the number 0.
    Object.entries(environment).filter(([, value]) => value?.trim() !== ''),
  );
  const { environment: keys, faults: unread } = withSecretFiles(given);
  const isProduction = keys['NODE_ENV'] === 'production';
  // A key whose file cannot be read is not missing: its own line says what is wrong.
  const unreadKeys = new Set(unread.map((fault) => keyOf(fault).replace(/_FILE$/, '')));
  const production = isProduction && purpose === 'serve' ? productionFaults(keys) : [];
  const faults = [...unread, ...production.filter((fault) => !unreadKeys.has(keyOf(fault)))];
  const parsed = EnvironmentSchema.safeParse(keys);
  const bad = parsed.success ? [] : parsed.error.issues.map((issue) => faultOf(issue));
  // The rest is looked at as if the bad keys were not there: their own lines are said already.
  const env = parsed.success ? parsed.data : EnvironmentSchema.parse(without(keys, bad));
  const said = new Set([...bad, ...faults].map(keyOf));
  const origins = env.ALLOWED_ORIGINS?.split(',').map((origin) => origin.trim());
  // What a file should have held may be what another key lacks.
  const together = unread.length > 0 ? [] : togetherFaults(env, origins);
  const unsaid = together.filter((fault) => !said.has(keyOf(fault)));
  const saidByProduction = new Set(faults.map(keyOf));
  const all = [...bad.filter((fault) => !saidByProduction.has(keyOf(fault))), ...faults, ...unsaid];
  if (all.length > 0) throw new BadConfig(all);
  const publicOrigin = env.PUBLIC_URL === undefined ? [] : [new URL(env.PUBLIC_URL).origin];
  return deepFreeze(toConfig(env, origins ?? (isProduction ? publicOrigin : undefined)));
}

/** What each key alone does not show. */
function togetherFaults(env: Environment, origins: readonly string[] | undefined): string[] {
  const faults: string[] = [];
  if (env.SOFT_BUFFER_BYTES >= env.HARD_BUFFER_BYTES) {
    faults.push('SOFT_BUFFER_BYTES must be smaller than HARD_BUFFER_BYTES');
  }
  if ((env.TLS_CERT_FILE === undefined) !== (env.TLS_KEY_FILE === undefined)) {
    const lacks = env.TLS_KEY_FILE === undefined ? 'TLS_KEY_FILE' : 'TLS_CERT_FILE';
    faults.push(`${lacks}: must be set as well, for TLS needs a certificate and its key`);
  }
  for (const origin of origins ?? []) {
    if (origin.includes('*'))
      faults.push(`ALLOWED_ORIGINS: "${origin}": a * stands for nothing; name each origin in full`);
    else if (!isOrigin(origin))
      faults.push(`ALLOWED_ORIGINS: "${origin}" is no origin such as https://example.org`);
  }
  faults.push(
    ...storeFaults(env),
    ...identityFaults(env),
    ...telemetryFaults(env),
    ...backupFaults(env),
  );
  return faults;
}

function without(given: Readonly<Record<string, unknown>>, faults: readonly string[]): object {
  const bad = new Set(faults.map(keyOf));
  return Object.fromEntries(Object.entries(given).filter(([key]) => !bad.has(key)));
}

function keyOf(fault: string): string {
  return /^\w+/.exec(fault)?.[0] ?? fault;
}

/** Every key with its default and meaning: for the documentation, which a test compares with this. */
export function configReference(): readonly {
  readonly key: string;
  readonly fallback: string;
  readonly meaning: string;
}[] {
  return Object.entries(EnvironmentSchema.shape).map(([key, schema]) => {
    const fallback = schema.safeParse(undefined);
    return {
      key,
      fallback: fallback.success && fallback.data !== undefined ? String(fallback.data) : '',
      meaning: schema.description ?? '',
    };
  });
}

function faultOf(issue: z.core.$ZodIssue): string {
  const key = issue.path.map(String).join('.');
  return `${key}: ${issue.message}`;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function toConfig(env: Environment, allowedOrigins: readonly string[] | undefined): Config {
  const hub: HubOptions = {
    ...D,
    domain: { ...D.domain, maxQueueEntries: env.MAX_QUEUE_ENTRIES, hostGraceMs: env.HOST_GRACE_MS },
    maxConnections: env.MAX_CONNECTIONS,
    maxConnectionsPerUser: env.MAX_CONNECTIONS_PER_USER,
    maxConnectionsPerAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
    maxRoomsPerConnection: env.MAX_ROOMS_PER_CONNECTION,
    maxRoomMembers: env.MAX_ROOM_MEMBERS,
    connectionRate: { perSecond: env.REQUESTS_PER_SECOND, burst: env.REQUEST_BURST },
    userRate: { perSecond: env.USER_REQUESTS_PER_SECOND, burst: env.USER_REQUEST_BURST },
    guestRate: { perSecond: env.GUESTS_PER_MINUTE / 60, burst: env.GUEST_BURST },
    roomRate: { perSecond: env.ROOMS_PER_MINUTE / 60, burst: env.ROOM_BURST },
    addressRoomRate: {
      perSecond: env.ADDRESS_ROOMS_PER_MINUTE / 60,
      burst: env.ADDRESS_ROOM_BURST,
    },
    softBufferBytes: env.SOFT_BUFFER_BYTES,
    hardBufferBytes: env.HARD_BUFFER_BYTES,
    helloTimeoutMs: env.HELLO_TIMEOUT_MS,
    maxHellosAtOnce: env.MAX_HELLOS_AT_ONCE,
    presenceGraceMs: env.PRESENCE_GRACE_MS,
    drain: {
      leastMs: env.DRAIN_MS,
      // All workers drain at once.
      perSecond: Math.max(1, Math.floor(env.DRAIN_PER_SECOND / env.CLUSTER_WORKERS)),
      mostMs: env.DRAIN_MAX_MS,
    },
    trustProxy: readProxyTrust(env.TRUST_PROXY) ?? NO_PROXY,
    isAllowedOrigin:
      allowedOrigins === undefined
        ? isSameOrigin
        : (origin) => origin === undefined || allowedOrigins.includes(origin),
  };
  return {
    host: env.HOST,
    port: env.PORT,
    publicUrl: env.PUBLIC_URL,
    dataDir: path.resolve(env.DATA_DIR),
    mediaDir: env.MEDIA_DIR === undefined ? undefined : path.resolve(env.MEDIA_DIR),
    transport: env.TRANSPORT,
    logLevel: env.LOG_LEVEL,
    guests: env.GUESTS === 'on',
    tokenSecret: env.TOKEN_SECRET,
    guestTokenLifeMs: env.GUEST_TOKEN_DAYS * 86_400_000,
    identity: identityOf(env),
    mediaUrlLifeMs: env.MEDIA_URL_MINUTES * 60_000,
    allowedOrigins,
    tls:
      env.TLS_CERT_FILE === undefined || env.TLS_KEY_FILE === undefined
        ? undefined
        : {
            certFile: path.resolve(env.TLS_CERT_FILE),
            keyFile: path.resolve(env.TLS_KEY_FILE),
            renewMs: env.TLS_RENEW_SECONDS * 1_000,
          },
    redis: redisOf(env),
    postgres: postgresOf(env),
    mongo: mongoOf(env),
    activityLifeMs: activityLifeOf(env),
    clusterWorkers: env.CLUSTER_WORKERS,
    backup: backupOf(env),
    traces: tracesOf(env),
    hub,
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object);
  }
  return Object.freeze(value);
}
