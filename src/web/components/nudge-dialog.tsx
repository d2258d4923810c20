// Owns setting the nudge by ear: clicks in time with the hub on this device, to be moved until they fall together with another device's.
import { useEffect } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import { NUDGE_STEP_MS, NudgeField, boundedNudge } from './nudge-field.tsx';
import { useRoom } from './room-context.ts';

export function NudgeDialog({ onClose }: { onClose: () => void }) {
  const model = useRoom();
  const { player } = model;
  const { device, mode, clicking, outputLatencyMs } = model.playerState.value;
  const isLocked = mode === 'locked';
  useEffect(() => {
    if (!isLocked) player.setClicking(true);
    return () => player.setClicking(false);
  }, [player, isLocked]);
  const move = (byMs: number): void => player.setNudge(boundedNudge(device.nudgeMs + byMs));
  return (
    <Dialog title="Set by ear" onClose={onClose}>
      <ol class="steps">
        <li>Open this sheet on two devices beside each other. Each clicks in time with the hub.</li>
        <li>Move the slider of the one that is off, until both clicks fall together.</li>
        <li>This output keeps it, until you set it anew.</li>
      </ol>
      {isLocked ? (
        <div class="button-row">
          <button type="button" class="button primary" onClick={() => model.listen()}>
            Allow sound here
          </button>
        </div>
      ) : (
        <p role="status">
          {clicking
            ? 'Clicking. The music is low meanwhile.'
            : 'This browser cannot click: play the metronome on both devices instead.'}
        </p>
      )}
      <NudgeField />
      <div class="button-row">
        <button type="button" class="button compact" onClick={() => move(-NUDGE_STEP_MS)}>
          Later by {NUDGE_STEP_MS} ms
        </button>
        <button type="button" class="button compact" onClick={() => move(NUDGE_STEP_MS)}>
          Earlier by {NUDGE_STEP_MS} ms
        </button>
        <button
          type="button"
          class="button compact"
          disabled={device.nudgeMs === 0}
          onClick={() => player.setNudge(0)}
        >
          Reset
        </button>
      </div>
      <p class="quiet">
        {device.label ?? 'This output'}
        {outputLatencyMs > 0
          ? ` says that it is ${Math.round(outputLatencyMs)} ms late; that is taken off already.`
          : ' does not say how late it is.'}
      </p>
    </Dialog>
  );
}
