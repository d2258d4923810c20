// Owns the screen of a link that takes an account to this device: nothing happens before a press, as a preview may open links, too.
import { useEffect, useState } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import { Vernier, Wordmark } from './brand.tsx';

export function LinkDevice({ session, code }: { session: PageSession; code: string }) {
  const [why, setWhy] = useState<string>();
  const [isAsking, setIsAsking] = useState(false);
  const { name } = session.guest;
  useEffect(() => {
    document.title = 'Use my account here · Earshot';
  }, []);
  const redeem = async (): Promise<void> => {
    setIsAsking(true);
    try {
      const grant = await session.api.redeemLink(code);
      session.notices.show('event', `You are ${grant.user.name} here, too.`);
      session.adopt(grant);
    } catch (error) {
      setIsAsking(false);
      const isGone = session.codeOf(error) === 'not_found';
      setWhy(
        isGone
          ? 'This link was used already, or its ten minutes are over. Make a new one.'
          : session.social.refusalOf(error),
      );
    }
  };
  return (
    <main class="stage">
      <Wordmark />
      <Vernier />
      <h1>Use your account here.</h1>
      <p class="lede">
        Your friends, your history and your rooms come with you to this browser.
        {name !== undefined && ` Whoever was ${name} here is not any more.`}
      </p>
      <p role="status">{why}</p>
      <div class="button-row">
        <button
          type="button"
          class="button primary"
          disabled={isAsking}
          onClick={() => void redeem()}
        >
          Use it here
        </button>
        <button type="button" class="button" onClick={() => session.leave()}>
          To the start
        </button>
      </div>
    </main>
  );
}
