// The certificate of a service that speaks TLS itself: looked at before it is used, and again whenever its files have changed.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Log } from './ports/log.ts';
import { OperationalError } from './ports/operational-error.ts';
import type { Listening, TlsFiles } from './ports/sockets.ts';
import type { Timers } from './ports/timers.ts';

/** A port that is bound again takes milliseconds. */
const LATE_MS = 3_000;

/** TLS_CERT_FILE and TLS_KEY_FILE hold nothing to serve with. */
export class UnusableCertificate extends OperationalError {
  constructor({ certFile, keyFile }: TlsFiles, options: { readonly cause: unknown }) {
    const why = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(`TLS_CERT_FILE ${certFile} and TLS_KEY_FILE ${keyFile} cannot be used: ${why}`, options);
    this.name = 'UnusableCertificate';
  }
}

/**
 * What the files hold, of whatever they may be links to.
 * @throws UnusableCertificate where it is no certificate in PEM with its key, for a transport may end the process over it
 */
export function readCertificate(files: TlsFiles): string {
  try {
    const cert = readFileSync(files.certFile, 'utf8');
    const key = readFileSync(files.keyFile, 'utf8');
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate');
    createSecureContext({ cert, key });
    return cert + key;
  } catch (cause) {
    throw new UnusableCertificate(files, { cause });
  }
}

/**
 * Looks at the files from time to time: whoever renews certificates puts them there, and nobody need tell the service. What cannot be used
 * is left alone, with a line, and the one before serves on.
 * @returns its stop
 */
export function renewWhenChanged(parts: {
  readonly files: TlsFiles;
  readonly listening: Listening;
  /** What was read of them before it listened. */
  readonly served: string;
  readonly everyMs: number;
  readonly timers: Timers;
  readonly log: Log;
}): () => void {
  const { files, listening, everyMs, timers, log } = parts;
  let { served } = parts;
  let complaint = '';
  let isRenewing = false;

  async function look(): Promise<void> {
    const now = readCertificate(files);
    if (now === served) return;
    const cancelLate = timers.after(LATE_MS, () =>
      log.error({ certFile: files.certFile }, 'the port cannot be bound again: nobody comes in'),
    );
    await listening.renewCertificate().finally(cancelLate);
    served = now;
    complaint = '';
    const { validTo } = new X509Certificate(now);
    log.info({ certFile: files.certFile, validTo }, 'the certificate was renewed');
  }

  return timers.every(everyMs, () => {
    if (isRenewing) return;
    isRenewing = true;
    look()
      .catch((error: unknown) => {
        const line = error instanceof Error ? error.message : String(error);
        // Once: it will be as wrong the next time.
        if (line !== complaint) log.error({ reason: line }, 'the new certificate is not used');
        complaint = line;
      })
      .finally(() => {
        isRenewing = false;
      });
  });
}
