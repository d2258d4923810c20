// The protocol's version and its history: a change of the schemas is a line here, and a test holds the two together.

/** Offered and chosen as the WebSocket subprotocol. */
export const SUBPROTOCOL = 'earshot.v1';

/** The path of the socket on the hub's one port. */
export const SOCKET_PATH = '/v1/socket';

/**
 * The major version is in the subprotocol and the path: clients of another one are refused. The minor version counts additions that
 * a client may ignore. `schemaHash` pins the schemas to their line.
 */
export const PROTOCOL_HISTORY = [
  { version: '1.0', schemaHash: '5583fe09d02dea7a', change: 'the first protocol' },
  {
    version: '1.1',
    schemaHash: 'd46472ad2423f4bd',
    change: 'the feed: what friends listen to, and who may see it',
  },
  {
    version: '1.2',
    schemaHash: 'f34bb5a6f4e00944',
    change: 'delays are told while nothing plays: `idle`',
  },
] as const;

export const PROTOCOL_VERSION = '1.2';
