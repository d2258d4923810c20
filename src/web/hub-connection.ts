// Owns the one connection of this page and as whom it is made; must not know screens or rooms.
import type { Guest } from './guest.ts';
import type { PageApi, PageClient, PageSdk } from './page-sdk.ts';

export interface HubConnectionParts {
  readonly sdk: PageSdk;
  readonly guest: Guest;
  readonly api: PageApi;
  /** Another client from now on. */
  readonly onClient: (client: PageClient) => void;
}

export class HubConnection {
  readonly #parts: HubConnectionParts;
  #client: PageClient | undefined;
  #connecting: Promise<void> | undefined;

  constructor(parts: HubConnectionParts) {
    this.#parts = parts;
  }

  get client(): PageClient | undefined {
    return this.#client;
  }

  /** The client, connected as this browser's guest under `name`. @throws the SDK's error */
  async as(name: string): Promise<PageClient> {
    const { guest } = this.#parts;
    // The socket carries the name of its hello: another name needs another socket.
    if (guest.name !== name) this.close();
    try {
      return await this.#as(name);
    } catch (error) {
      if (this.causeOf(error) !== 'unauthorised') throw error;
      // A hub that was set up anew knows none of its old guests.
      guest.expire();
      return await this.#as(name);
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#connecting = undefined;
  }

  /** The close code says more than the error that it becomes. */
  causeOf(error: unknown): string | undefined {
    const code = this.#parts.sdk.codeOf(error);
    const connection = this.#client?.connection.value;
    return code !== undefined && connection?.phase === 'closed' && connection.code !== undefined
      ? connection.cause
      : code;
  }

  async #as(name: string): Promise<PageClient> {
    const { guest, api, sdk, onClient } = this.#parts;
    await guest.rename(api, name);
    const open = this.#client;
    if (open !== undefined && open.connection.value.phase !== 'closed') {
      await this.#connecting;
      return open;
    }
    const client = sdk.client(() => guest.token(api));
    this.#client = client;
    this.#connecting = client.connect();
    onClient(client);
    await this.#connecting;
    return client;
  }
}
