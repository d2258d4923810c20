// Owns the mark: two scales and a needle, as on a vernier; in step when the ticks meet.

export function Wordmark() {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 32 32" aria-hidden="true" class="mark">
        <path class="ticks" d="M4 8v7M9 11v4M23 11v4M28 8v7M4 17v7M9 17v4M23 17v4M28 17v7" />
        <path class="needle" d="M16 4v24" />
      </svg>
      Earshot
    </span>
  );
}

const TICKS = Array.from({ length: 61 }, (_, i) => i);

function Scale({ class: name, down }: { class: string; down: boolean }) {
  const length = (i: number): number => (i % 10 === 0 ? 34 : i % 5 === 0 ? 24 : 14);
  const path = TICKS.map(
    (i) => `M${10 + i * 10} ${down ? 0 : 44}v${down ? length(i) : -length(i)}`,
  );
  return (
    <svg class={name} viewBox="0 0 620 44" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <path d={path.join('')} />
    </svg>
  );
}

/** Two scales that slide into step. Decoration. */
export function Vernier() {
  return (
    <div class="vernier" aria-hidden="true">
      <Scale class="scale upper" down={false} />
      <Scale class="scale lower" down />
      <span class="vernier-needle" />
    </div>
  );
}
