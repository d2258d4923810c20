// Owns the small chart of what one heard each day, and the table that says the same in numbers.
import { useSession } from './session-context.ts';
import { barsOf, dayOf } from '../day-chart.ts';
import type { ListenCount } from '../page-people.ts';
import { lengthLabel } from '../people-wording.ts';
import { countLabel } from '../wording.ts';

const HEIGHT = 60;

export function DayChart({ counts }: { counts: readonly ListenCount[] }) {
  const { social } = useSession();
  const bars = barsOf(counts, dayOf(social.hubNow() ?? Date.now()));
  const first = bars[0];
  const last = bars.at(-1);
  if (first === undefined || last === undefined) return null;
  const total = bars.reduce((sum, { listens }) => sum + listens, 0);
  const heard = bars.filter(({ listens }) => listens > 0);
  return (
    <figure class="day-chart">
      <svg
        viewBox={`0 0 ${bars.length * 10} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${countLabel(total, 'listen')} from ${first.day} to ${last.day}, day by day`}
      >
        {bars.map(({ day, share }, i) => (
          <rect
            key={day}
            x={i * 10 + 1}
            width={8}
            y={HEIGHT - Math.max(1, share * HEIGHT)}
            height={Math.max(1, share * HEIGHT)}
          />
        ))}
      </svg>
      <figcaption>
        <span>{first.day}</span>
        <span>{last.day}</span>
      </figcaption>
      <details class="fine">
        <summary>In numbers</summary>
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Listens</th>
              <th scope="col">Heard</th>
            </tr>
          </thead>
          <tbody>
            {heard.map(({ day, listens, heardMs }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                <td>{listens}</td>
                <td>{lengthLabel(heardMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
