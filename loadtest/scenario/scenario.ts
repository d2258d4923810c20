// Owns what a load test may ask for: the schema of a scenario, with its defaults. Knows no sockets.
import { z } from 'zod';
import { RepeatSchema } from '../../protocol/schemas/playback.ts';
import { PresetSchema } from '../../protocol/schemas/room.ts';
import { ACTS, COMMANDS, type Act } from './acts.ts';
import { ThresholdSchema } from './threshold.ts';

export { ACTS, COMMANDS, type Act };

const perMinute = z.number().min(0).max(1_000_000);
const seconds = z
  .number()
  .positive()
  .max(7 * 86_400);
const count = z.int().min(1).max(10_000_000);
const share = z.number().min(0).max(1);

const ActsSchema = z
  .strictObject(
    Object.fromEntries(ACTS.map((act) => [act, perMinute.default(0)])) as Record<
      Act,
      z.ZodDefault<typeof perMinute>
    >,
  )
  .prefault({})
  .describe('how often each happens in a room, a minute');

export const RoomsGroupSchema = z.strictObject({
  kind: z.literal('rooms'),
  rooms: count.describe('rooms at load 1'),
  listeners: count.describe('listeners of each room at load 1'),
  grows: z
    .enum(['rooms', 'listeners', 'acts'])
    .default('rooms')
    .describe('what a load other than 1 multiplies'),
  preset: PresetSchema.default('friends'),
  tracks: z.int().min(0).max(100).default(5).describe('tracks queued before anybody comes'),
  playing: z.boolean().default(true).describe('whether the music plays from the start'),
  repeat: RepeatSchema.default('all').describe(
    'what plays after the last track; but for off, a queue that is full takes no more',
  ),
  acts: ActsSchema,
  chatBytes: z.int().min(16).max(1_000).default(60).describe('length of a chat message'),
  model: z
    .enum(['open', 'closed'])
    .default('open')
    .describe(
      'open: acts come at their rate, whatever the answers take; closed: who acts waits for the answer and thinks',
    ),
  thinkSeconds: seconds
    .default(10)
    .describe('of the closed model: mean time between an answer and the next act'),
  staySeconds: seconds
    .optional()
    .describe('mean stay of a listener, who then leaves; absent: to the end'),
  awaySeconds: seconds.default(10).describe('mean time until one who left comes again'),
  clockShare: share.default(1).describe('share of the listeners that run the clock and the player'),
});

export const FeedGroupSchema = z.strictObject({
  kind: z.literal('feed'),
  people: count.describe('people at load 1'),
  meanFriends: z.number().min(0).max(1_000).default(10),
  exponent: z
    .number()
    .min(1.5)
    .max(5)
    .default(2.5)
    .describe('of the power law by which friends are distributed'),
  mostFriends: z.int().min(1).max(5_000).default(500),
  playsPerMinute: perMinute.default(0.3).describe('tracks that each person begins, a minute'),
  privateShare: share.default(0.05).describe('share of the people who listen in a private session'),
});

export const GroupSchema = z.discriminatedUnion('kind', [RoomsGroupSchema, FeedGroupSchema]);

export const PhaseSchema = z.strictObject({
  name: z.string().min(1).max(40),
  seconds,
  from: z
    .number()
    .min(0)
    .optional()
    .describe('load at its beginning; absent: where the one before ended'),
  load: z.number().min(0).default(1).describe('load at its end, reached evenly'),
  measured: z.boolean().default(false).describe('whether its figures are judged'),
  event: z
    .enum(['reconnect', 'drain'])
    .optional()
    .describe(
      'at its beginning everybody loses the connection, or the hubs are told to drain, one after the other',
    ),
  withinSeconds: z
    .number()
    .min(0)
    .max(3_600)
    .default(0)
    .describe('over how long the event is spread'),
});

export const ScenarioSchema = z.strictObject({
  name: z.string().min(1).max(60),
  description: z.string().max(400).default(''),
  seed: z.int().min(0).max(0xffffffff).default(1),
  groups: z.array(GroupSchema).min(1),
  arrivalsPerSecond: z
    .number()
    .positive()
    .max(100_000)
    .default(200)
    .describe('how fast people come at most, all groups together; a steeper ramp is stretched'),
  phases: z.array(PhaseSchema).min(1),
  settleSeconds: z
    .number()
    .min(0)
    .max(600)
    .default(3)
    .describe('before the ledger is read: what is on its way arrives'),
  thresholds: z.array(ThresholdSchema).default([]),
});

export type Scenario = z.output<typeof ScenarioSchema>;
export type ScenarioInput = z.input<typeof ScenarioSchema>;
export type Group = z.output<typeof GroupSchema>;
export type RoomsGroup = z.output<typeof RoomsGroupSchema>;
export type FeedGroup = z.output<typeof FeedGroupSchema>;
export type Phase = z.output<typeof PhaseSchema>;
