// What operators ask for over REST, with their token. Knows no command line.
import { z } from 'zod';
import { whyOf } from './adapters/system/why.ts';

const Problem = z.object({ code: z.string(), detail: z.string() });
const Node = z.object({
  id: z.string(),
  host: z.string().optional(),
  worker: z.number().optional(),
  release: z.string().optional(),
  version: z.string(),
  startedAt: z.number(),
  connections: z.number(),
  rooms: z.number(),
  isReady: z.boolean(),
  reasons: z.array(z.string()),
  away: z.array(z.string()),
});
const Nodes = z.object({ nodes: z.array(Node), missing: z.array(z.string()) });
const ListedRoom = z.object({
  id: z.string(),
  code: z.string(),
  name: z.string(),
  visibility: z.string(),
  hereCount: z.number(),
});
export type ListedRoom = z.infer<typeof ListedRoom>;
const RoomPeople = ListedRoom.extend({
  isClosed: z.boolean(),
  members: z.array(
    z.object({ id: z.string(), name: z.string(), role: z.string(), isHere: z.boolean() }),
  ),
});
const Rooms = z.object({
  rooms: z.array(ListedRoom),
  total: z.number(),
  missing: z.array(z.string()),
});
const Revocation = z.object({
  id: z.string(),
  kind: z.enum(['token', 'user', 'ban']),
  tokenId: z.string().optional(),
  userId: z.string().optional(),
  endsAt: z.number().optional(),
  reason: z.string().optional(),
});
const RevocationPage = z.object({
  revocations: z.array(Revocation),
  next: z.string().optional(),
});

const Backup = z.object({
  name: z.string(),
  takenAt: z.number(),
  tookMs: z.number(),
  bytes: z.number(),
});

const PATIENCE_MS = 15_000;

/** For a person: what the service, or the way to it, says. */
export class Refused extends Error {}

export class OperatorCalls {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  nodes(): Promise<z.infer<typeof Nodes>> {
    return this.#json(Nodes, 'GET', 'nodes');
  }

  rooms(limit: number): Promise<z.infer<typeof Rooms>> {
    return this.#json(Rooms, 'GET', `rooms?limit=${limit}`);
  }

  /** @param room its id or code */
  room(room: string): Promise<z.infer<typeof RoomPeople>> {
    return this.#json(RoomPeople, 'GET', `rooms/${encodeURIComponent(room)}`);
  }

  drain(node: string, withinMs: number | undefined): Promise<z.infer<typeof Node>> {
    return this.#json(Node, 'POST', `nodes/${encodeURIComponent(node)}/drain`, { withinMs });
  }

  async closeRoom(room: string): Promise<void> {
    await this.#call('DELETE', `rooms/${encodeURIComponent(room)}`);
  }

  revoke(draft: object): Promise<z.infer<typeof Revocation>> {
    return this.#json(Revocation, 'POST', 'revocations', draft);
  }

  async lift(id: string): Promise<void> {
    await this.#call('DELETE', `revocations/${encodeURIComponent(id)}`);
  }

  /** However long it takes. */
  backUp(): Promise<z.infer<typeof Backup>> {
    return this.#json(Backup, 'POST', 'backups');
  }

  /** All pages of them. */
  async revocations(): Promise<readonly z.infer<typeof Revocation>[]> {
    const all: z.infer<typeof Revocation>[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: z.infer<typeof RevocationPage> = await this.#json(
        RevocationPage,
        'GET',
        `revocations?limit=200${query}`,
      );
      all.push(...page.revocations);
      cursor = page.next;
    }
    return all;
  }

  /** The document, part by part. */
  async *dataOf(userId: string): AsyncGenerator<Uint8Array, undefined> {
    const { body } = await this.#call('GET', `people/${encodeURIComponent(userId)}/data`);
    if (body === null) throw new Refused('the service answers nothing');
    const reader = body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  }

  async #json<S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    sent?: object,
  ): Promise<z.infer<S>> {
    const response = await this.#call(method, path, sent);
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) throw new Refused(`${this.#url} does not answer as Earshot does`);
    return parsed.data;
  }

  /** Rejects with `Refused`. */
  async #call(method: string, path: string, sent?: object): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}/v1/operator/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
        // The token is for this address alone.
        redirect: 'error',
        // An export and a backup take as long as they take.
        ...(isLong(path) ? {} : { signal: AbortSignal.timeout(PATIENCE_MS) }),
      });
    } catch (error) {
      throw new Refused(`${this.#url} cannot be reached: ${whyOf(error)}`);
    }
    if (response.ok) return response;
    const problem = Problem.safeParse(await response.json().catch(() => undefined));
    throw new Refused(
      problem.success
        ? `${problem.data.code}: ${problem.data.detail}`
        : `${this.#url} answers ${response.status}`,
    );
  }
}

function isLong(path: string): boolean {
  return path === 'backups' || path.endsWith('/data');
}
