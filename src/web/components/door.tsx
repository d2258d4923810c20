// Owns the screen before a private room: knock, and wait for an answer.
import { useEffect } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import type { RoomTarget } from '../page-sdk.ts';
import { Wordmark } from './brand.tsx';

export interface DoorProps {
  readonly session: PageSession;
  readonly target: RoomTarget;
  readonly knock: 'ask' | 'waiting' | 'refused';
}

const WORDS = {
  ask: ['This room is private.', 'Knock, and somebody inside may let you in.'],
  waiting: ['You knocked.', 'Waiting for somebody inside to open. Keep this page open.'],
  refused: ['Not this time.', 'Somebody inside answered no. Ask them for an invite link.'],
} as const;

export function Door({ session, target, knock }: DoorProps) {
  const [title, text] = WORDS[knock];
  useEffect(() => {
    document.title = `${title} · Earshot`;
  }, [title]);
  return (
    <main class="stage">
      <Wordmark />
      <div class={`door ${knock}`} aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <div role="status">
        <h1>{title}</h1>
        <p class="lede">{text}</p>
      </div>
      <div class="button-row">
        {knock === 'ask' && (
          <button type="button" class="button primary" onClick={() => void session.knock(target)}>
            Knock
          </button>
        )}
        <button type="button" class="button" onClick={() => session.leave()}>
          {knock === 'waiting' ? 'Stop waiting' : 'Back to the start'}
        </button>
      </div>
    </main>
  );
}
