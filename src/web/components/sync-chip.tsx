// Owns the chip that says how well in step this very page is.
import type { PlayerState } from '../page-sdk.ts';
import { errorLabel } from '../wording.ts';
import { useRoom } from './room-context.ts';
import { StepMark } from './step-mark.tsx';

/** Within this, nobody in one room hears two of it: clicks fuse to a few ms, music to about 40. */
const IN_STEP_MS = 20;

interface Step {
  readonly tone: 'good' | 'fair' | 'off';
  readonly text: string;
  readonly errorMs?: number;
}

function stepOf(player: PlayerState, playing: boolean): Step {
  if (player.mode === 'locked') return { tone: 'off', text: 'not listening' };
  if (player.mode === 'detached') return { tone: 'off', text: 'detached' };
  if (player.cannotKeepUp) return { tone: 'off', text: 'cannot keep up' };
  if (!playing) return { tone: 'fair', text: 'quiet' };
  if (player.buffering) return { tone: 'fair', text: 'buffering' };
  const { errorMs } = player;
  if (errorMs === undefined) return { tone: 'fair', text: 'finding the step' };
  const size = errorLabel(errorMs);
  return Math.abs(errorMs) <= IN_STEP_MS
    ? { tone: 'good', text: `in step · ${size}`, errorMs }
    : { tone: 'fair', text: `catching up · ${size}`, errorMs };
}

export function SyncChip() {
  const model = useRoom();
  const step = stepOf(model.playerState.value, model.playing.value);
  const { rttMinMs, maxErrorMs } = model.clock.value;
  return (
    <span
      class={`chip ${step.tone}`}
      title={`Round trip ${errorLabel(rttMinMs)}, clock proven to ${errorLabel(maxErrorMs)}`}
    >
      {step.errorMs !== undefined && <StepMark errorMs={step.errorMs} />}
      {step.text}
    </span>
  );
}
