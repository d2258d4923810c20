// The schemas as JSON Schema (draft 2020-12), for clients in other languages. What the hub takes is given as its input.
import { z } from 'zod';
import { ErrorReplySchema, OkSchema, PushSchemas, ReplySchemas } from './schemas/pushes.ts';
import { RoomEventSchemas } from './schemas/events.ts';
import { RequestSchemas } from './schemas/requests.ts';
import { PublicRoomSchema } from './schemas/room.ts';
import { PROTOCOL_VERSION } from './version.ts';

export interface JsonSchemaDocument {
  readonly $schema: string;
  readonly title: string;
  readonly version: string;
  /** By name: `request.<type>`, `reply.<type>`, `push.<type>`, `event.<type>`, `room`, `ok`, `error`. */
  readonly $defs: Readonly<Record<string, object>>;
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function definitions(prefix: string, schemas: Readonly<Record<string, z.ZodType>>): [string, object][] {
  return Object.entries(schemas).map(([type, schema]) => [`${prefix}.${type}`, schemaOf(schema)]);
}

/** All messages of this version, in a stable order. */
export function jsonSchema(): JsonSchemaDocument {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Earshot protocol',
    version: PROTOCOL_VERSION,
    $defs: Object.fromEntries([
      ...definitions('request', RequestSchemas),
      ...definitions('reply', ReplySchemas),
      ...definitions('push', PushSchemas),
      ...definitions('event', RoomEventSchemas),
      ['room', schemaOf(PublicRoomSchema)],
      ['ok', schemaOf(OkSchema)],
      ['error', schemaOf(ErrorReplySchema)],
    ]),
  };
}
