// Owns the part of the room that is heard: the track, the needle, the controls, one's own place beside it.
import { Cover } from './cover.tsx';
import { Icon } from './icons.tsx';
import { ProgressDial } from './progress-dial.tsx';
import { ReactionBar, ReactionSky } from './reactions.tsx';
import { useRoom } from './room-context.ts';
import { SyncChip } from './sync-chip.tsx';
import { Transport, VolumeControl } from './transport.tsx';

function ListenGate() {
  const model = useRoom();
  if (model.playerState.value.mode !== 'locked') return null;
  return (
    <div class="listen-gate">
      <button type="button" class="listen-button" onClick={() => model.listen()}>
        <Icon name="play" solid />
        Listen
      </button>
    </div>
  );
}

function TrackTitle() {
  const model = useRoom();
  const shown = model.shown.value;
  if (shown === undefined) {
    return (
      <div class="track-title">
        <h2>Nothing on yet</h2>
        <p>{model.rights.value.add ? 'Add a track, and press play.' : 'Waiting for the host.'}</p>
      </div>
    );
  }
  const { entry } = shown;
  return (
    <div class="track-title" aria-live="polite">
      <h2>{entry.title}</h2>
      <p>{entry.artist}</p>
      <p class="added-by">
        {entry.addedBy === model.me ? 'added by you' : `added by ${entry.addedByName}`}
      </p>
    </div>
  );
}

function GateLine() {
  const model = useRoom();
  const { gate } = model.details.value.playback;
  if (gate === undefined || model.playing.value) return null;
  return (
    <p class="gate-line" role="status">
      Waiting until all have the track…
    </p>
  );
}

/** Pause for oneself, and come back with one press. */
function OwnPlace() {
  const model = useRoom();
  const { mode } = model.playerState.value;
  if (mode === 'locked' || (mode === 'following' && model.track.value === undefined)) return null;
  if (mode === 'detached') {
    return (
      <button type="button" class="button compact live" onClick={() => model.player.live()}>
        <span class="live-dot" aria-hidden="true" />
        Live
      </button>
    );
  }
  return (
    <button
      type="button"
      class="button compact"
      title="Pause or listen back by yourself; the room goes on"
      onClick={() => model.player.detach()}
    >
      Detach
    </button>
  );
}

function SkipVote() {
  const model = useRoom();
  const { room, you, presence } = model.view.value;
  const current = model.current.value;
  const share = room.settings.skipVoteShare;
  if (current === undefined || share === 0 || (presence.count < 2 && model.rights.value.control)) {
    return null;
  }
  const needed = Math.max(1, Math.ceil(share * presence.count));
  const voted = you.skipVotes.includes(current.id);
  const { skipVotes } = current.entry;
  return (
    <button
      type="button"
      class="button compact"
      aria-pressed={voted}
      disabled={voted}
      onClick={() => model.run(() => model.room.voteSkip())}
    >
      {voted ? 'Voted to skip' : 'Vote to skip'}
      <span class="tally">
        <span class="sr-only">, </span>
        {skipVotes}
        <span aria-hidden="true">/</span>
        <span class="sr-only"> of </span>
        {needed}
      </span>
    </button>
  );
}

export function NowPlaying() {
  const model = useRoom();
  const shown = model.shown.value;
  const { control } = model.rights.value;
  return (
    <section class="panel now" aria-label="Now playing">
      <div class="cover-frame">
        {shown === undefined ? (
          <div class="cover empty" aria-hidden="true" />
        ) : (
          <Cover
            key={shown.entry.trackId}
            trackId={shown.entry.trackId}
            hasCover={shown.entry.hasCover}
          />
        )}
        <ListenGate />
        <ReactionSky />
      </div>
      <TrackTitle />
      <ProgressDial />
      <Transport />
      <GateLine />
      {!control && <p class="steer-line">Host and DJs steer here.</p>}
      <div class="place-row">
        <SyncChip />
        <OwnPlace />
        <SkipVote />
      </div>
      <div class="under-row">
        <VolumeControl />
        <ReactionBar />
      </div>
    </section>
  );
}
