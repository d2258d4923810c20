// Owns the screen of a link that was opened by somebody without a name: asks for it, and nothing else.
import { useEffect, useState } from 'preact/hooks';
import { readableCode } from '../address.ts';
import type { PageSession } from '../page-session.ts';
import type { CodeTarget } from '../page-sdk.ts';
import { Vernier, Wordmark } from './brand.tsx';
import { NameField } from './name-field.tsx';

export function NameFirst({ session, target }: { session: PageSession; target: CodeTarget }) {
  const [name, setName] = useState('');
  useEffect(() => {
    document.title = 'You are invited · Earshot';
  }, []);
  return (
    <main class="stage">
      <Wordmark />
      <Vernier />
      <h1>You are invited.</h1>
      <p class="lede">
        Room <span class="code">{readableCode(target.code)}</span> is one step away.
      </p>
      <form
        class="stage-form"
        onSubmit={(event) => {
          event.preventDefault();
          void session.enter(name.trim(), target);
        }}
      >
        <NameField value={name} onChange={setName} autoFocus />
        <button type="submit" class="button primary" disabled={name.trim() === ''}>
          Enter the room
        </button>
      </form>
    </main>
  );
}
