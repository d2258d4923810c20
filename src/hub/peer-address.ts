// Whose connection it is: the peer's own address, or the one that a trusted proxy tells.

/**
 * @param remoteAddress as the transport saw it
 * @param forwardedFor the header `X-Forwarded-For`; its last address was added by the proxy, those before it by anybody
 */
export function peerAddress(
  remoteAddress: string,
  forwardedFor: string | undefined,
  trustProxy: boolean,
): string {
  const forwarded = trustProxy ? forwardedFor?.split(',').at(-1)?.trim() : undefined;
  return forwarded === undefined || forwarded === '' ? remoteAddress : forwarded;
}
