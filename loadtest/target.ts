// Owns the way from an address on the command line to where sockets go.
import { readFileSync } from 'node:fs';
import type { Target } from './wire/lean-socket.ts';

export interface Trust {
  /** A file of certificates, PEM. */
  readonly caFile?: string | undefined;
  readonly isInsecure?: boolean | undefined;
}

/** @throws with words where it is no address of a hub */
export function targetOf(address: string, trust: Trust): Target {
  let url: URL;
  try {
    url = new URL(address.includes('://') ? address : `http://${address}`);
  } catch {
    throw new Error(`"${address}" is no address: write for instance http://localhost:8080`);
  }
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  if (!isSecure && url.protocol !== 'http:' && url.protocol !== 'ws:') {
    throw new Error(
      `"${address}": ${url.protocol}// is no way to a hub; http, https, ws and wss are`,
    );
  }
  const { caFile, isInsecure } = trust;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    isSecure,
    authority: url.host,
    pathPrefix: url.pathname.replace(/\/+$/, ''),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
    ...(isInsecure === undefined ? {} : { isInsecure }),
  };
}
