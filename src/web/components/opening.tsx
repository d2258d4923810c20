// Owns the screen between the wish to enter a room and being in it.
import { useEffect, useState } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import type { ConnectionState, PageClient } from '../page-sdk.ts';
import { Vernier, Wordmark } from './brand.tsx';
import { Countdown } from './countdown.tsx';

export interface OpeningProps {
  readonly session: PageSession;
  readonly client: PageClient | undefined;
}

export function Opening({ session, client }: OpeningProps) {
  const [connection, setConnection] = useState<ConnectionState | undefined>(
    client?.connection.value,
  );
  useEffect(() => {
    setConnection(client?.connection.value);
    return client?.connection.subscribe(setConnection);
  }, [client]);
  return (
    <main class="stage" aria-busy="true">
      <Wordmark />
      <Vernier />
      <h1>Finding your place…</h1>
      <p class="lede" role="status">
        {connection?.phase === 'waiting' ? (
          <>
            The hub does not answer. Trying again <Countdown atMs={connection.retryAt} />.
          </>
        ) : connection?.phase === 'connected' ? (
          'Entering the room.'
        ) : (
          'Connecting to the hub.'
        )}
      </p>
      <button type="button" class="button" onClick={() => session.leave()}>
        Cancel
      </button>
    </main>
  );
}
