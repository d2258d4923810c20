// Whose connection it is, for limits by address: the peer's own address, or the one that a trusted proxy tells.

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;
const IPV4_AND_PORT = /^([\d.]+):\d+$/;
const BRACKETED = /^\[([^\]]*)\](?::\d+)?$/;
const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * An IPv4 address as it is; of an IPv6 address the network, as `2001:db8:0:1::/64`: whoever is given one has all of its 2^64 addresses,
 * and each would be another one to the limits.
 * @param remoteAddress as the transport saw it
 * @param forwardedFor the header `X-Forwarded-For`; its last address was added by the proxy, those before it by anybody
 */
export function peerAddress(
  remoteAddress: string,
  forwardedFor: string | undefined,
  trustProxy: boolean,
): string {
  const forwarded = trustProxy ? forwardedFor?.split(',').at(-1)?.trim() : undefined;
  return networkOf(
    withoutPort(forwarded === undefined || forwarded === '' ? remoteAddress : forwarded),
  );
}

/** Some proxies add the port of the connection, which is another one each time. */
function withoutPort(address: string): string {
  return IPV4_AND_PORT.exec(address)?.[1] ?? BRACKETED.exec(address)?.[1] ?? address;
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const text = address.replace(/%.*$/, '').replace(MAPPED_IPV4, '');
  if (!text.includes(':')) return text;
  // What is no address is a peer of its own, as the proxy tells it.
  if (!URL.canParse(`http://[${text}]`)) return address;
  // The parser of URLs writes it in its one short form: hexadecimal groups, and `::` for the longest run of zeros.
  const [before = '', after] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')];
  const zeros = Array.from({ length: IPV6_GROUPS - head.length - tail.length }, () => '0');
  const groups = after === undefined ? head : [...head, ...zeros, ...tail];
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
