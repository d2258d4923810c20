// Whom the limits by address count as one.
import { describe, expect, it } from 'vitest';
import { peerAddress } from '../../src/hub/peer-address.ts';
import { NO_PROXY, readProxyTrust, type ProxyTrust } from '../../src/hub/proxy-trust.ts';
import { HubWorld } from '../support/hub-world.ts';

const trustOf = (text: string): ProxyTrust => {
  const trust = readProxyTrust(text);
  if (trust === undefined) throw new Error(`${text} is no setting`);
  return trust;
};
const of = (remote: string): string => peerAddress(remote, undefined, NO_PROXY);
const forwarded = (header: string): string => peerAddress('10.0.0.1', header, trustOf('on'));

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
    expect(peerAddress('192.0.2.1', '192.0.2.7', NO_PROXY)).toBe('192.0.2.1');
  });
});

describe('the client behind several proxies', () => {
  const CLIENT = '203.0.113.9';
  it.each([
    // The hub sees 10.0.0.2, which was asked by 10.0.0.1, which was asked by the client.
    ['2', '10.0.0.2', `${CLIENT}, 10.0.0.1`, CLIENT],
    ['2', '10.0.0.2', `198.51.100.1, ${CLIENT}, 10.0.0.1`, CLIENT],
    // Fewer than there should be: the farthest that there is.
    ['3', '10.0.0.2', `${CLIENT}, 10.0.0.1`, CLIENT],
    ['1', '10.0.0.2', `${CLIENT}, 10.0.0.1`, '10.0.0.1'],
    ['0', CLIENT, '198.51.100.1', CLIENT],
    ['10.0.0.0/8', '10.0.0.2', `198.51.100.1, ${CLIENT}, 10.0.0.1`, CLIENT],
    ['10.0.0.0/8', '10.0.0.2', `198.51.100.1, ${CLIENT}:4711, 10.0.0.1:80`, CLIENT],
    ['10.0.0.2, 10.0.0.1', '::ffff:10.0.0.2', `${CLIENT}, ::ffff:10.0.0.1`, CLIENT],
    ['fd00::/8', 'fd00::2', `${CLIENT}, [fd00::1]:443`, CLIENT],
    // Who comes past the proxies is believed nothing, whatever they send.
    ['10.0.0.0/8', CLIENT, '198.51.100.1, 10.0.0.1', CLIENT],
    ['10.0.0.1', '10.0.0.2', '198.51.100.1', '10.0.0.2'],
    // Nobody but proxies: the farthest.
    ['10.0.0.0/8', '10.0.0.2', '10.0.0.7, 10.0.0.1', '10.0.0.7'],
    ['10.0.0.0/8', '10.0.0.2', 'unknown, 10.0.0.1', 'unknown'],
    ['10.0.0.0/8', '10.0.0.2', ' , ', '10.0.0.2'],
  ])('TRUST_PROXY=%s from %s with %j is %s', (setting, remote, header, client) => {
    expect(peerAddress(remote, header, trustOf(setting))).toBe(client);
  });

  it.each([
    'yes',
    '11',
    '-1',
    '10.0.0.0/33',
    '10.0.0',
    'fd00::/129',
    '10.0.0.1,',
    'proxy.example',
    '10.0.0.0/8/8',
  ])('is not set by %j', (setting) => {
    expect(readProxyTrust(setting)).toBeUndefined();
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
