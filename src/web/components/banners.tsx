// Owns the lines across a room that tell of what is out of the ordinary: a lost connection, a fresh start, somebody at the door.
import { Countdown } from './countdown.tsx';
import { useRoom } from './room-context.ts';

function ConnectionBanner() {
  const model = useRoom();
  const connection = model.connection.value;
  const { status, behind } = model.view.value;
  if (connection.phase === 'waiting') {
    return (
      <p class="banner warn" role="alert">
        {connection.cause === 'draining' ? 'The hub restarts.' : 'Connection lost.'} Coming back{' '}
        <span aria-hidden="true">
          <Countdown atMs={connection.retryAt} />
        </span>
        . The music you have goes on.
      </p>
    );
  }
  if (connection.phase === 'connecting' || status === 'reconnecting') {
    return (
      <p class="banner warn" role="status">
        Reconnecting…
      </p>
    );
  }
  if (behind) {
    return (
      <p class="banner" role="status">
        Your connection fell behind. The room was loaded afresh.
      </p>
    );
  }
  return null;
}

function Knocks() {
  const model = useRoom();
  return (
    <>
      {model.knocks.value.map((knock) => (
        <div key={knock.id} class="banner knock" role="alert">
          <span>
            <strong>{knock.name}</strong> knocks.
          </span>
          <span class="button-row">
            <button
              type="button"
              class="button compact primary"
              onClick={() => model.answerKnock(knock.id, true)}
            >
              Let in
            </button>
            <button
              type="button"
              class="button compact"
              onClick={() => model.answerKnock(knock.id, false)}
            >
              Not now
            </button>
          </span>
        </div>
      ))}
    </>
  );
}

function PlayerBanner() {
  const model = useRoom();
  const player = model.playerState.value;
  if (player.failed !== undefined) {
    return (
      <p class="banner warn" role="alert">
        This track cannot be played here: {player.failed.message}
      </p>
    );
  }
  if (player.waitsFor === 'press') {
    return (
      <div class="banner warn" role="alert">
        <span>The sound was interrupted.</span>
        <button type="button" class="button compact primary" onClick={() => model.listen()}>
          Hear it again
        </button>
      </div>
    );
  }
  if (player.waitsFor === 'system') {
    return (
      <p class="banner" role="status">
        Something else has the sound, a call perhaps. It comes back by itself, in step.
      </p>
    );
  }
  if (player.cannotKeepUp) {
    return (
      <p class="banner warn" role="alert">
        This device cannot keep up with the room.
      </p>
    );
  }
  return null;
}

export function Banners() {
  return (
    <div class="banners">
      <ConnectionBanner />
      <PlayerBanner />
      <Knocks />
    </div>
  );
}
