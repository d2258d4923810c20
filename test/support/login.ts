// A login of an operator's: keys that it signs with, served as a key set over HTTP, which the test turns, withholds and breaks.
import { createServer, type Server } from 'node:http';
import {
  SignJWT,
  exportJWK,
  generateKeyPair,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';

export const ISSUER = 'https://login.example.org/';

/** Beside those that a good token has; undefined takes one out. */
export type Claims = Readonly<Record<string, unknown>>;

interface Key {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export class Login {
  /** How often the key set was asked for. */
  fetches = 0;
  /** What becomes of a request for it. */
  answers: 'keys' | 'error' | 'garbage' | 'nothing' = 'keys';
  readonly #server: Server;
  readonly #keys = new Map<string, Key>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Login> {
    const server = createServer();
    const login = new Login(server);
    server.on('request', (_, response) => {
      login.fetches += 1;
      if (login.answers === 'nothing') return;
      response.statusCode = login.answers === 'error' ? 500 : 200;
      const keys = [...login.#keys.values()].map(({ jwk }) => jwk);
      response.end(login.answers === 'garbage' ? '<html>' : JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return login;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}/jwks.json`;
  }

  /** A new key, in the set from now on. */
  async turn(kid: string, alg = 'RS256'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    this.#keys.set(kid, {
      alg,
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' },
    });
  }

  /** In the set no more. */
  withdraw(kid: string): void {
    this.#keys.delete(kid);
  }

  publicJwk(kid: string): JWK {
    return this.#key(kid).jwk;
  }

  sign(kid: string, claims: Claims, header: { readonly kid?: string } = {}): Promise<string> {
    const { alg, privateKey } = this.#key(kid);
    return new SignJWT(this.claims(claims))
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey);
  }

  claims(claims: Claims): JWTPayload {
    const now = Math.floor(Date.now() / 1_000);
    const good: Claims = { name: 'Ana', iss: ISSUER, aud: 'earshot', iat: now, exp: now + 600 };
    return Object.fromEntries(
      Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #key(kid: string): Key {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`the login has no key ${kid}`);
    return key;
  }
}
