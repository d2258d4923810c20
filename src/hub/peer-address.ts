// Whose connection it is, for limits by address: the peer's own address, or the one that trusted proxies tell.
import type { ProxyTrust } from './proxy-trust.ts';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;
const IPV4_AND_PORT = /^([\d.]+):\d+$/;
const BRACKETED = /^\[([^\]]*)\](?::\d+)?$/;
const IPV6_GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * An IPv4 address as it is; of an IPv6 address the network, as `2001:db8:0:1::/64`: whoever is given one has all of its 2^64 addresses,
 * and each would be another one to the limits.
 * @param remoteAddress as the transport saw it
 * @param forwardedFor the header `X-Forwarded-For`: each proxy adds behind it whom it was asked by, so what stands before the word of the
 * last one that is trusted may be anybody's
 */
export function peerAddress(
  remoteAddress: string,
  forwardedFor: string | undefined,
  trust: ProxyTrust,
): string {
  return networkOf(withoutPort(clientOf(remoteAddress, forwardedFor, trust)));
}

function clientOf(
  remoteAddress: string,
  forwardedFor: string | undefined,
  trust: ProxyTrust,
): string {
  if (trust.kind === 'none' || forwardedFor === undefined) return remoteAddress;
  const told = forwardedFor.split(',').map((part) => part.trim());
  // From the nearest to the farthest; an empty word is none.
  const path = [remoteAddress, ...told.filter((part) => part !== '').reverse()];
  const farthest = path.at(-1) ?? remoteAddress;
  if (trust.kind === 'hops') return path[trust.count] ?? farthest;
  const isProxy = (each: string): boolean => trust.isProxy(unmapped(withoutPort(each)));
  return path.find((each) => !isProxy(each)) ?? farthest;
}

function unmapped(address: string): string {
  return address.replace(MAPPED_IPV4, '');
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
