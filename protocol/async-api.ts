// The socket as an AsyncAPI 3.0 document: which messages go which way on the one channel there is.
import { definitions } from './json-schema.ts';
import { PushSchemas } from './schemas/pushes.ts';
import { RequestSchemas } from './schemas/requests.ts';
import { PROTOCOL_VERSION, SOCKET_PATH, SUBPROTOCOL } from './version.ts';

interface Message {
  readonly name: string;
  readonly payload: object;
}

const CHANNEL = '#/channels/socket';
const SCHEMAS = '#/components/schemas/';

/** The document, in a stable order. Rules that no schema can say are in SPEC.md. */
export function asyncApi(): object {
  const messages: Record<string, Message> = {};
  const requests = Object.keys(RequestSchemas).map((type) => `request.${type}`);
  const answers = ['ok', 'error', ...Object.keys(PushSchemas).map((type) => `push.${type}`)];
  for (const name of [...requests, ...answers]) {
    messages[name] = { name, payload: { $ref: SCHEMAS + name } };
  }
  const refs = (names: readonly string[]) =>
    names.map((name) => ({ $ref: `${CHANNEL}/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Earshot',
      version: PROTOCOL_VERSION,
      description: `Rooms in step over one WebSocket, subprotocol ${SUBPROTOCOL}. Clock frames are binary; the rules are in protocol/SPEC.md.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: { socket: { address: SOCKET_PATH, messages } },
    operations: {
      request: { action: 'receive', channel: { $ref: CHANNEL }, messages: refs(requests) },
      answer: { action: 'send', channel: { $ref: CHANNEL }, messages: refs(answers) },
    },
    components: { schemas: definitions(SCHEMAS) },
  };
}
