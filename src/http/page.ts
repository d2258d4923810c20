// The page: the built files, read once, served from memory with the headers that keep it safe.
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Absent where compressing gains nothing. */
  readonly gzipped: Uint8Array<ArrayBuffer> | undefined;
  readonly type: string;
  readonly etag: string;
  /** Its name carries a hash of its content. */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/**
 * Scripts, styles, sound and sockets of this very host and nothing else; pictures of people from wherever they have them. Blobs are decoded
 * audio and workers.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: https:",
  "font-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
/** The reader of the OpenAPI document sets styles from scripts. */
const DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** It neither listens nor looks nor asks where somebody is, whatever may ever be brought into it. */
const PAGE_PERMISSIONS = 'camera=(), geolocation=(), microphone=(), payment=(), usb=()';

const compress = promisify(gzip);
const MIN_COMPRESSED_BYTES = 1_024;

/** A room, a person’s link, the link to another device, one's own listening. */
const PAGE_PATH = /^\/(?:(?:r|add|link)\/[^/]+|me)\/?$/;

/** Serves the page's files; undefined for a path that is none of them. */
export type Page = (pathname: string, request: Request) => Response | undefined;

/**
 * @param dir the folder that the build made
 * @returns undefined where there is none: the service then has no page, and says so
 */
export async function loadPage(dir: string): Promise<Page | undefined> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (files === undefined) return undefined;
  const assets = new Map<string, Asset>();
  for (const file of files) {
    if (!file.isFile()) continue;
    const full = path.join(file.parentPath, file.name);
    assets.set(`/${path.relative(dir, full).replaceAll(path.sep, '/')}`, await loadAsset(full));
  }
  if (!assets.has('/index.html')) return undefined;
  return (pathname, request) => {
    const name = nameOf(pathname);
    const asset = assets.get(name);
    return asset === undefined ? undefined : respond(asset, name, request);
  };
}

/** What the page draws itself, and the reader at `/docs`. */
function nameOf(pathname: string): string {
  if (pathname === '/' || PAGE_PATH.test(pathname)) return '/index.html';
  if (pathname === '/docs' || pathname === '/docs/') return '/docs.html';
  return pathname;
}

async function loadAsset(file: string): Promise<Asset> {
  const bytes = new Uint8Array(await readFile(file));
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  const isText = /^(?:text|application)\/|svg/.test(type);
  const gzipped =
    isText && bytes.length >= MIN_COMPRESSED_BYTES
      ? new Uint8Array(await compress(bytes))
      : undefined;
  return {
    bytes,
    gzipped,
    type,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isImmutable: path.basename(path.dirname(file)) === 'assets',
  };
}

function respond(asset: Asset, name: string, request: Request): Response {
  const headers = new Headers({
    'content-type': asset.type,
    etag: asset.etag,
    vary: 'accept-encoding',
    'cache-control': asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  });
  // A worker is governed by the policy of its own script.
  if (asset.type.startsWith('text/javascript')) headers.set('content-security-policy', PAGE_POLICY);
  if (asset.type.startsWith('text/html')) {
    headers.set('content-security-policy', name === '/docs.html' ? DOCS_POLICY : PAGE_POLICY);
    headers.set('cross-origin-opener-policy', 'same-origin');
    headers.set('permissions-policy', PAGE_PERMISSIONS);
  }
  if (request.headers.get('if-none-match') === asset.etag)
    return new Response(null, { status: 304, headers });
  const takesGzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  const body = takesGzip && asset.gzipped !== undefined ? asset.gzipped : asset.bytes;
  if (body === asset.gzipped) headers.set('content-encoding', 'gzip');
  headers.set('content-length', String(body.length));
  return new Response(request.method === 'HEAD' ? null : body, { headers });
}
