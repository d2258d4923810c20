// Owns the slider by which one's sound is sent earlier or later on the output that sounds now.
import { nudgeLabel } from '../wording.ts';
import { useRoom } from './room-context.ts';

const MAX_NUDGE_MS = 300;
export const NUDGE_STEP_MS = 5;

export function boundedNudge(ms: number): number {
  return Math.max(-MAX_NUDGE_MS, Math.min(MAX_NUDGE_MS, ms));
}

export function NudgeField() {
  const model = useRoom();
  const { nudgeMs } = model.playerState.value.device;
  return (
    <label class="field">
      <span class="field-label">Nudge my sound: {nudgeLabel(nudgeMs)}</span>
      <input
        type="range"
        min={-MAX_NUDGE_MS}
        max={MAX_NUDGE_MS}
        step={NUDGE_STEP_MS}
        value={nudgeMs}
        aria-valuetext={nudgeLabel(nudgeMs)}
        onInput={(event) => model.player.setNudge(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
