// What TLS in the process costs, beside the same without.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { OperationNode, makePlace } from './operation-node.ts';
import { measurePaired } from './paired.ts';
import type { Paired } from './paired-figures.ts';

/** One that has signed itself. */
function certificateIn(dir: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [path.join(dir, 'cert.pem'), path.join(dir, 'key.pem')];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const named = ['-nodes', '-days', '2', '-subj', '/CN=bench'];
  const subject = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, ...named, ...subject], { stdio: 'ignore' });
  return { cert, key };
}

export async function measureTls(): Promise<Paired> {
  const scratch = await temporaryDir();
  const ends: (() => Promise<unknown>)[] = [() => scratch.remove()];
  try {
    const { cert, key } = certificateIn(scratch.dir);
    const start = async (more: Readonly<Record<string, string>>): Promise<OperationNode> => {
      const place = await makePlace(more);
      ends.push(() => place.remove());
      const node = await OperationNode.start(place);
      ends.push(() => node.end('SIGKILL'));
      await node.hasTracks();
      return node;
    };
    const plain = await start({});
    const secure = await start({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
    return await measurePaired(
      { name: 'plain', node: plain },
      { name: 'TLS', node: secure, flags: ['--insecure'] },
      scratch.dir,
    );
  } finally {
    for (const end of ends.reverse()) await end();
  }
}
