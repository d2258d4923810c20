// The peer in the feed bench: uWebSockets.js with a topic for each author, and nothing of what a feed needs beside it.
import { createRequire } from 'node:module';
import type * as Uws from 'uWebSockets.js';
import { authorOf, type WhoLooks } from './feed-shape.ts';

interface RawFeed {
  readonly port: number;
  publish(author: number, text: string): void;
}

/** Viewers are numbered as they come. */
export async function startRawFeed({ authors, looksAt }: WhoLooks): Promise<RawFeed> {
  // The types of the package are CommonJS; its values come by require.
  const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
  const app = uws.App();
  let arrived = 0;
  app.ws<{ asked: number }>('/*', {
    maxBackpressure: 64 * 1_024 * 1_024,
    idleTimeout: 120,
    upgrade(response, request, context) {
      response.upgrade(
        { asked: 0 },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    message(socket) {
      const data = socket.getUserData();
      data.asked += 1;
      // The second request is the subscription.
      if (data.asked === 2) {
        for (let k = 0; k < looksAt; k += 1)
          socket.subscribe(String(authorOf(arrived, k, authors)));
        arrived += 1;
      }
      socket.send('{"ok":true}');
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (listening: Uws.us_listen_socket | false) => {
      if (listening === false) reject(new Error('the peer cannot listen'));
      else resolve(uws.us_socket_local_port(listening));
    });
  });
  return {
    port,
    publish: (author, text) => void app.publish(String(author), text, false, false),
  };
}
