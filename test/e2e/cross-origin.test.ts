// A real browser with pages of other origins: one that is allowed uses REST and the socket as our own page does, another gets nothing.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import type { Message } from '../support/hub-world.ts';
import { guestToken } from '../support/wire-client.ts';

/** What a page got: the status, or `refused` where the browser let it see nothing. */
interface Seen {
  readonly status: number | 'refused';
  readonly body?: Record<string, unknown>;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A site with one empty page. */
async function site(): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>A page</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Asks as a script of the page does. */
function ask(page: Page, url: string, asked: Asked = {}): Promise<Seen> {
  return page.evaluate(
    async ([target, options]) => {
      try {
        const response = await fetch(target, options);
        const body = (await response.json()) as Record<string, unknown>;
        return { status: response.status, body };
      } catch {
        return { status: 'refused' as const };
      }
    },
    [url, asked] as const,
  );
}

/** Opens a socket as a script of the page does, and says hello. @returns the answer, or the code of its end */
function greet(page: Page, url: string, token: string): Promise<Message | number> {
  const hello = { id: 1, type: 'hello', token, client: { name: 'test', version: '1' } };
  return page.evaluate(
    ([target, protocol, text]) =>
      new Promise<Message | number>((resolve) => {
        const socket = new WebSocket(target, protocol);
        socket.onopen = () => socket.send(text);
        socket.onmessage = ({ data }) => {
          resolve(JSON.parse(String(data)) as Message);
          socket.close();
        };
        socket.onclose = ({ code }) => resolve(code);
      }),
    [url.replace(/^http/, 'ws') + SOCKET_PATH, SUBPROTOCOL, JSON.stringify(hello)] as const,
  );
}

describe.skipIf(skipsWithoutChromium('pages of other origins'))('a page of another origin', () => {
  let browser: Browser;
  let data: Awaited<ReturnType<typeof temporaryDir>>;
  const sites: Server[] = [];
  let hub: EarshotProcess;
  let friend: Page;
  let stranger: Page;

  beforeAll(async () => {
    data = await temporaryDir();
    const [allowed, other] = [await site(), await site()];
    sites.push(allowed.server, other.server);
    browser = await launchChromium();
    hub = await EarshotProcess.start({
      DATA_DIR: path.join(data.dir, 'data'),
      ALLOWED_ORIGINS: `https://app.example,${allowed.origin}`,
    });
    [friend, stranger] = [await browser.newPage(), await browser.newPage()];
    await friend.goto(allowed.origin);
    await stranger.goto(other.origin);
  });
  afterAll(async () => {
    await browser.close();
    await hub.end('SIGTERM');
    for (const server of sites) server.close();
    await data.remove();
  });

  const asGuest = (name: string): Asked => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });

  it('reads, writes and opens the socket where its origin is allowed', async () => {
    const { url } = hub;
    expect(await ask(friend, `${url}/v1/rooms`)).toMatchObject({ status: 200 });
    // The browser asks first whether it may send these.
    const made = await ask(friend, `${url}/v1/guests`, asGuest('Ana'));
    expect(made.status).toBe(201);
    const token = String(made.body?.['token']);
    const headers = { authorization: `Bearer ${token}` };
    expect(await ask(friend, `${url}/v1/me`, { headers })).toMatchObject({ status: 200 });
    // It reads what it is refused for, too.
    expect(await ask(friend, `${url}/v1/me`)).toMatchObject({
      status: 401,
      body: { code: 'unauthorised' },
    });
    expect(await greet(friend, url, token)).toMatchObject({ id: 1, type: 'ok' });
  });

  it('gets nothing where it is not, and changes nothing', async () => {
    const { url } = hub;
    const { token } = await guestToken(url, 'Ben');
    const headers = { authorization: `Bearer ${token}` };
    expect(await ask(stranger, `${url}/v1/rooms`)).toEqual({ status: 'refused' });
    expect(await ask(stranger, `${url}/v1/me`, { headers })).toEqual({ status: 'refused' });
    expect(await ask(stranger, `${url}/v1/guests`, asGuest('Eve'))).toEqual({
      status: 'refused',
    });
    const change = {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"name":"Eve"}',
    };
    expect(await ask(stranger, `${url}/v1/me`, change)).toEqual({ status: 'refused' });
    const me = (await (await fetch(`${url}/v1/me`, { headers })).json()) as { name: string };
    expect(me.name).toBe('Ben');
    // The same from a page that may: it was no other fault.
    expect(await ask(friend, `${url}/v1/me`, change)).toMatchObject({ status: 200 });
    expect(await greet(stranger, url, token)).toBe(CLOSE_CODES.forbidden_origin);
  });
});
