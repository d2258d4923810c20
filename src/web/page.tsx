// Owns putting the page into a document over some SDK; main.tsx gives it the real one.
import { render } from 'preact';
import { App } from './components/app.tsx';
import { PageSession } from './page-session.ts';
import type { PageSdk } from './page-sdk.ts';

export function mountPage(root: Element, sdk: PageSdk): PageSession {
  const session = new PageSession(sdk, window);
  session.start();
  render(<App session={session} />, root);
  return session;
}
