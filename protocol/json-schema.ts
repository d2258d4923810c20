// The schemas as JSON Schema (draft 2020-12), for clients in other languages. What the hub takes is given as its input.
import { z } from 'zod';
import * as eventSchemas from './schemas/events.ts';
import * as feedSchemas from './schemas/feed.ts';
import * as playbackSchemas from './schemas/playback.ts';
import * as primitiveSchemas from './schemas/primitives.ts';
import * as pushSchemas from './schemas/pushes.ts';
import * as requestSchemas from './schemas/requests.ts';
import * as roomSchemas from './schemas/room.ts';
import { PROTOCOL_VERSION } from './version.ts';

export interface JsonSchemaDocument {
  readonly $schema: string;
  readonly title: string;
  readonly version: string;
  /** `request.<type>`, `reply.<type>`, `push.<type>`, `event.<type>`, `room`, `ok`, `error`; and the parts that they share, in capitals. */
  readonly $defs: Readonly<Record<string, object>>;
}

function named(
  prefix: string,
  schemas: Readonly<Record<string, z.ZodType>>,
): [string, z.ZodType][] {
  return Object.entries(schemas).map(([type, schema]) => [`${prefix}.${type}`, schema]);
}

const MESSAGES: readonly [string, z.ZodType][] = [
  ...named('request', requestSchemas.RequestSchemas),
  ...named('reply', pushSchemas.ReplySchemas),
  ...named('push', pushSchemas.PushSchemas),
  ...named('event', eventSchemas.RoomEventSchemas),
  ['room', roomSchemas.PublicRoomSchema],
  ['ok', pushSchemas.OkSchema],
  ['error', pushSchemas.ErrorReplySchema],
];

/** Every exported `XSchema` is the definition `X`, so that what many messages carry is written once. */
function parts(): [string, z.ZodType][] {
  const modules: readonly object[] = [
    primitiveSchemas,
    playbackSchemas,
    roomSchemas,
    eventSchemas,
    feedSchemas,
    requestSchemas,
    pushSchemas,
  ];
  return modules.flatMap((module) =>
    Object.entries(module)
      .filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)
      .map(([name, schema]): [string, z.ZodType] => [name.replace(/Schema$/, ''), schema])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/**
 * All messages of this version, then the parts that they share, in a stable order.
 * @param base where the definitions stand in the document that takes them up, as the start of a `$ref`
 */
export function definitions(base: string): Readonly<Record<string, object>> {
  const registry = z.registry<{ id: string }>();
  const aliases: [string, object][] = [];
  for (const [id, schema] of MESSAGES) {
    const same = registry.get(schema)?.id;
    if (same === undefined) registry.add(schema, { id });
    else aliases.push([id, { $ref: base + same }]);
  }
  for (const [id, schema] of parts()) {
    if (!registry.has(schema)) registry.add(schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => base + id,
  });
  const found = Object.entries(schemas).map(([id, schema]): [string, object] => {
    // Said once, for the whole document.
    const { $schema: _dialect, $id: _address, ...definition } = schema;
    return [id, definition];
  });
  return Object.fromEntries([...found, ...aliases]);
}

/** The document of all of them. */
export function jsonSchema(): JsonSchemaDocument {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Earshot protocol',
    version: PROTOCOL_VERSION,
    $defs: definitions('#/$defs/'),
  };
}
