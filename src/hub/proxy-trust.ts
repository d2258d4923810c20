// Whose word is taken for where a client is: no proxy’s, that of a number of them in a row, or that of those with known addresses.
import { BlockList, isIP } from 'node:net';

export type ProxyTrust =
  | { readonly kind: 'none' }
  /** So many stand before this service, and nothing reaches it past them. */
  | { readonly kind: 'hops'; readonly count: number }
  | {
      readonly kind: 'proxies';
      /** @param address without a port; anything that is no address is no proxy */
      isProxy(address: string): boolean;
    };

export const NO_PROXY: ProxyTrust = { kind: 'none' };
const MOST_HOPS = 10;
const IPV4_BITS = 32;
const IPV6_BITS = 128;

/**
 * What `TRUST_PROXY` says: `off`, `on` (one proxy), a number of proxies, or addresses and networks by commas.
 * @returns undefined for what is none of them
 */
export function readProxyTrust(text: string): ProxyTrust | undefined {
  if (text === 'off') return NO_PROXY;
  if (text === 'on') return { kind: 'hops', count: 1 };
  if (/^\d+$/.test(text)) {
    const count = Number(text);
    if (count > MOST_HOPS) return undefined;
    return count === 0 ? NO_PROXY : { kind: 'hops', count };
  }
  const known = new BlockList();
  for (const part of text.split(',')) if (!added(known, part.trim())) return undefined;
  return {
    kind: 'proxies',
    isProxy: (address) => {
      const version = isIP(address);
      return version !== 0 && known.check(address, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function added(known: BlockList, part: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const most = version === 4 ? IPV4_BITS : IPV6_BITS;
  if (bits !== undefined && Number(bits) > most) return false;
  known.addSubnet(address, bits === undefined ? most : Number(bits), family);
  return true;
}
