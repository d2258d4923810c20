// Makes requests of every type from the published JSON Schema, so that what is published and what the hub takes are held together.
import fc from 'fast-check';
import { definitions } from '../../../protocol/json-schema.ts';
import { CODE_ALPHABET } from '../../../protocol/schemas/primitives.ts';
import { RequestSchemas, type RequestType } from '../../../protocol/schemas/requests.ts';

interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const BASE = '#/$defs/';
const DEFINITIONS = definitions(BASE) as Readonly<Record<string, Schema>>;

const letters = fc.constantFrom(...Array.from('azAZ09 é中🎵<>"\\&{}[]'));
const written = fc.array(letters, { minLength: 1, maxLength: 40 }).map((units) => units.join(''));
const shown = written.map((text) => `x${text}x`.normalize('NFC'));

/** What rules beyond JSON Schema hold for. All of them are in the form that the hub gives them, so that they come back as they were. */
const RULED: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Name: shown,
  Title: shown,
  ChatText: shown,
  Key: shown,
  Emoji: fc.constantFrom('🔥', '❤️', '👩🏽‍🚀', '🇩🇪', '1️⃣'),
  RoomCode: fc
    .array(fc.constantFrom(...Array.from(CODE_ALPHABET)), { minLength: 8, maxLength: 8 })
    .map((units) => units.join('')),
  PositionMs: fc.nat({ max: 86_400_000 }),
};

// What a pattern generates from is costly to make, and the same in every message.
const made = new Map<string, fc.Arbitrary<unknown>>();

function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(BASE.length);
    let arbitrary = made.get(name);
    if (arbitrary === undefined) {
      arbitrary = RULED[name] ?? arbitraryOf(definitionOf(name));
      made.set(name, arbitrary);
    }
    return arbitrary;
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(arbitraryOf));
  switch (schema.type) {
    case 'object': {
      const members = Object.entries(schema.properties ?? {});
      const model = Object.fromEntries(members.map(([name, one]) => [name, arbitraryOf(one)]));
      return fc.record(model, {
        requiredKeys: [...(schema.required ?? [])],
        noNullPrototype: true,
      });
    }
    case 'array': {
      const { items = {}, minItems = 0, maxItems = 100 } = schema;
      const most = Math.min(maxItems, minItems + 4);
      return fc.array(arbitraryOf(items), { minLength: minItems, maxLength: most });
    }
    case 'string': {
      const { pattern, minLength = 0, maxLength = 10_000 } = schema;
      const most = Math.min(maxLength, minLength + 60);
      if (pattern === undefined) return fc.string({ minLength, maxLength: most });
      return fc
        .stringMatching(new RegExp(pattern, 'u'))
        .filter(({ length }) => length >= minLength && length <= maxLength);
    }
    case 'integer':
      return fc.maxSafeInteger().map((value) => {
        const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
        return value >= minimum && value <= maximum
          ? value
          : minimum + (Math.abs(value) % Math.min(maximum - minimum + 1, 1_000_000));
      });
    case 'number': {
      const { minimum, maximum } = schema;
      return fc
        .double({
          noNaN: true,
          noDefaultInfinity: true,
          ...(minimum === undefined ? {} : { min: minimum }),
          ...(maximum === undefined ? {} : { max: maximum }),
        })
        .map((value) => (value === 0 ? 0 : value));
    }
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case undefined:
    default:
      throw new TypeError(`no values are made for ${JSON.stringify(schema)}`);
  }
}

export function definitionOf(name: string): Schema {
  const definition = DEFINITIONS[name];
  if (definition === undefined) throw new RangeError(`no definition ${name}`);
  return definition;
}

export const REQUEST_TYPES = Object.keys(RequestSchemas) as RequestType[];

type Made = Record<string, unknown>;

const requests = new Map<RequestType, fc.Arbitrary<Made>>(
  REQUEST_TYPES.map((type) => [
    type,
    arbitraryOf(definitionOf(`request.${type}`)) as fc.Arbitrary<Made>,
  ]),
);

export function requestOf(type: RequestType): fc.Arbitrary<Made> {
  const arbitrary = requests.get(type);
  if (arbitrary === undefined) throw new RangeError(`no requests of type ${type}`);
  return arbitrary;
}

export const anyRequest: fc.Arbitrary<Made> = fc.oneof(...requests.values());
