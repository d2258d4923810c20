// Whom the limits by address count as one.
import { describe, expect, it } from 'vitest';
import { peerAddress } from '../../src/hub/peer-address.ts';
import { HubWorld } from '../support/hub-world.ts';

const of = (remote: string): string => peerAddress(remote, undefined, false);
const forwarded = (header: string): string => peerAddress('10.0.0.1', header, true);

describe('the address of a peer', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::7', '2001:db8:0:1::/64'],
    ['2001:DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['', ''],
    ['no:address', 'no:address'],
  ])('%s is counted as %s', (address, counted) => {
    expect(of(address)).toBe(counted);
  });

  it.each([
    ['203.0.113.9, 192.0.2.7:4711', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:db8:0:1::7]:4711', '2001:db8:0:1::/64'],
    ['[2001:db8:0:1::7]', '2001:db8:0:1::/64'],
    ['2001:db8:0:1::7', '2001:db8:0:1::/64'],
    ['unknown', 'unknown'],
    ['', '10.0.0.1'],
  ])('told by a proxy as %j is counted as %s', (header, counted) => {
    expect(forwarded(header)).toBe(counted);
  });

  it('is the transport’s where no proxy is trusted', () => {
    expect(peerAddress('192.0.2.1', '192.0.2.7', false)).toBe('192.0.2.1');
  });
});

it('a /64 has as many sockets as one address has', () => {
  const world = new HubWorld({ maxConnectionsPerAddress: 2 });
  world.open('2001:db8:0:1::1');
  world.open('2001:db8:0:1:ffff::2');
  const next = (remoteAddress: string) =>
    world.hub.upgrade({ remoteAddress, origin: undefined, headers: new Map(), query: '' });
  expect(next('2001:db8:0:1::3')).toMatchObject({ kind: 'reject', status: 429 });
  expect(next('2001:db8:0:2::3')).toMatchObject({ kind: 'accept' });
});
