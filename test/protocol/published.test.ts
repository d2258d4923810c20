// The published documents hold together: every reference leads somewhere, and every message of the protocol is there.
import { describe, expect, it } from 'vitest';
import { asyncApi } from '../../protocol/async-api.ts';
import { jsonSchema } from '../../protocol/json-schema.ts';
import { RoomEventSchemas } from '../../protocol/schemas/events.ts';
import { PushSchemas, ReplySchemas } from '../../protocol/schemas/pushes.ts';
import { RequestSchemas } from '../../protocol/schemas/requests.ts';
import { PROTOCOL_VERSION, SOCKET_PATH } from '../../protocol/version.ts';
import { referencesIn, resolve } from './support/references.ts';

const prefixed = (prefix: string, schemas: object): string[] =>
  Object.keys(schemas).map((type) => `${prefix}.${type}`);
const requests = prefixed('request', RequestSchemas);
const pushes = prefixed('push', PushSchemas);
const messages = [
  ...requests,
  ...pushes,
  ...prefixed('reply', ReplySchemas),
  ...prefixed('event', RoomEventSchemas),
  'room',
  'ok',
  'error',
];

describe.each([
  ['schema.json', jsonSchema(), '#/$defs/'],
  ['asyncapi.json', asyncApi(), '#/components/schemas/'],
])('%s', (_name, document, base) => {
  const references = referencesIn(document);

  it('has no reference that leads nowhere', () => {
    const lost = references.filter(({ to }) => typeof resolve(document, to) !== 'object');
    expect(lost).toEqual([]);
    expect(references.length).toBeGreaterThan(200);
  });

  it('has no reference that leads back to itself alone', () => {
    for (const { from } of references) {
      const seen = new Set<string>();
      let at: string | undefined = from;
      while (at !== undefined) {
        expect(seen.has(at), at).toBe(false);
        seen.add(at);
        const standing = resolve(document, at) as { readonly $ref?: string } | undefined;
        at = standing?.$ref;
      }
    }
  });

  it('has every message, under its name', () => {
    const definitions = resolve(document, base.slice(0, -1)) as Record<string, unknown>;
    expect(Object.keys(definitions)).toEqual(expect.arrayContaining(messages));
  });

  it('has no definition that neither is a message nor is used by one', () => {
    const definitions = Object.keys(resolve(document, base.slice(0, -1)) as object);
    const used = new Set(references.map(({ to }) => to.slice(base.length)));
    const idle = definitions.filter((name) => !messages.includes(name) && !used.has(name));
    expect(idle).toEqual([]);
  });

  it('says nothing of our own about a definition', () => {
    const text = JSON.stringify(document);
    expect(text).not.toContain('"$id"');
    expect(text).not.toContain('__shared');
    expect(text.split('"$schema"').length).toBe(base === '#/$defs/' ? 2 : 1);
  });
});

describe('asyncapi.json is AsyncAPI 3.0', () => {
  type Ref = Readonly<Record<'$ref', string>>;
  interface AsyncApi {
    readonly asyncapi: string;
    readonly info: { readonly title: string; readonly version: string };
    readonly defaultContentType: string;
    readonly channels: Readonly<
      Record<
        string,
        {
          readonly address: string;
          readonly messages: Readonly<
            Record<string, { readonly name: string; readonly payload: Ref }>
          >;
        }
      >
    >;
    readonly operations: Readonly<
      Record<
        string,
        { readonly action: string; readonly channel: Ref; readonly messages: readonly Ref[] }
      >
    >;
    readonly components: { readonly schemas: Readonly<Record<string, object>> };
  }
  const document = asyncApi() as AsyncApi;

  it('has what the specification asks for', () => {
    expect(document.asyncapi).toBe('3.0.0');
    expect(document.info).toMatchObject({ title: 'Earshot', version: PROTOCOL_VERSION });
    expect(document.channels['socket']?.address).toBe(SOCKET_PATH);
    for (const key of [...Object.keys(document.components.schemas), ...messages]) {
      expect(key).toMatch(/^[a-zA-Z0-9.\-_]+$/);
    }
  });

  it('gives each message of the channel its own schema', () => {
    const { messages: offered = {} } = document.channels['socket'] ?? {};
    expect(Object.keys(offered).sort()).toEqual([...requests, ...pushes, 'ok', 'error'].sort());
    for (const [key, { name, payload }] of Object.entries(offered)) {
      expect(name).toBe(key);
      expect(payload.$ref).toBe(`#/components/schemas/${key}`);
    }
  });

  it('has operations of that channel alone: requests come in, answers and pushes go out', () => {
    const taken: Record<string, string[]> = { receive: [], send: [] };
    for (const { action, channel, messages: refs } of Object.values(document.operations)) {
      expect(resolve(document, channel.$ref)).toBe(document.channels['socket']);
      for (const { $ref } of refs) {
        expect($ref.startsWith(`${channel.$ref}/messages/`), $ref).toBe(true);
        taken[action]?.push($ref.slice(`${channel.$ref}/messages/`.length));
      }
    }
    expect(taken).toEqual({ receive: requests, send: ['ok', 'error', ...pushes] });
  });
});
