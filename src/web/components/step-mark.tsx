// Owns the small vernier that shows how far out of step somebody is: the lower ticks stand off by the error.

const FULL_SCALE_MS = 60;
const FULL_SHIFT = 5;

export function StepMark({ errorMs }: { errorMs: number }) {
  const shift = Math.max(-1, Math.min(1, errorMs / FULL_SCALE_MS)) * FULL_SHIFT;
  return (
    <svg class="step-mark" viewBox="0 0 30 14" aria-hidden="true">
      <path d="M5 1v5M10 3v3M15 0v6M20 3v3M25 1v5" />
      <path
        class="lower"
        d="M5 8v5M10 8v3M15 8v6M20 8v3M25 8v5"
        transform={`translate(${shift.toFixed(2)} 0)`}
      />
    </svg>
  );
}
