// The WebSocket close codes: 4000–4499 tell a client to come back, with jitter; 4500–4999 that only a person can help (SE7).

export const CLOSE_CODES = {
  draining: 4000,
  too_slow: 4001,
  replaced: 4002,
  hello_timeout: 4003,
  overloaded: 4004,
  token_expired: 4005,
  bad_frame: 4500,
  unauthorised: 4501,
  forbidden_origin: 4502,
  unsupported_version: 4503,
  revoked: 4504,
  too_many_connections: 4505,
} as const;

export type CloseReason = keyof typeof CLOSE_CODES;

/** Whether a client that was closed with `code` should come back by itself. Codes of the transport (1001, 1006 …) do. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
