// Owns how any part of the page reaches its session.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';

export const SessionContext = createContext<PageSession | undefined>(undefined);

export function useSession(): PageSession {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('a part of the page is shown outside of it');
  return session;
}
