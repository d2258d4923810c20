// Certificates for tests of TLS.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for 127.0.0.1 that has signed itself. @returns its files in `dir` */
export function makeCertificate(dir: string, name: string): CertificateFiles {
  const [cert, key] = [path.join(dir, `${name}.pem`), path.join(dir, `${name}-key.pem`)];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const subject = [
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ];
  execFileSync('openssl', [...args, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}
