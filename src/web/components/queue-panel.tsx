// Owns what comes next: the list, its order, and the way to music that is not in it yet.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EntryId } from '../../../protocol/ids.ts';
import { followerOf, moved, shownOrder } from '../queue-order.ts';
import type { QueueItem } from '../room-model.ts';
import { clockLabel, countLabel } from '../wording.ts';
import { Icon } from './icons.tsx';
import { QueueRow } from './queue-row.tsx';
import { useRoom } from './room-context.ts';
import { SearchPanel } from './search-panel.tsx';
import { useDragSort } from './use-drag-sort.ts';

function lengthLabel(items: readonly QueueItem[]): string {
  const totalMs = items.reduce((sum, item) => sum + item.entry.durationMs, 0);
  return `${countLabel(items.length, 'track')} · ${clockLabel(totalMs)}`;
}

function QueueTools({ empty }: { empty: boolean }) {
  const model = useRoom();
  const { add, editQueue } = model.rights.value;
  return (
    <div class="panel-tools">
      {add && (
        <button
          type="button"
          class="icon-button small"
          aria-label="Undo my last change of the queue"
          onClick={() => model.run(() => model.room.undo())}
        >
          <Icon name="undo" />
        </button>
      )}
      {editQueue && !empty && (
        <button
          type="button"
          class="button compact quiet-button"
          onClick={() =>
            model.run(async () => {
              await model.room.clear();
              model.notices.show('event', 'Queue cleared', {
                label: 'Undo',
                run: () => model.run(() => model.room.undo()),
              });
            })
          }
        >
          Clear
        </button>
      )}
    </div>
  );
}

function Played({ items }: { items: readonly QueueItem[] }) {
  const model = useRoom();
  if (items.length === 0) return null;
  return (
    <details class="played">
      <summary>Played · {items.length}</summary>
      <ul>
        {items.map(({ id, entry }) => (
          <li key={id}>
            <span class="row-text">
              <span class="row-title">{entry.title}</span>
              <span class="row-sub">{entry.artist}</span>
            </span>
            {model.rights.value.control && (
              <button
                type="button"
                class="button compact quiet-button"
                aria-label={`Play ${entry.title} again`}
                onClick={() => model.run(() => model.room.jump(id))}
              >
                Again
              </button>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

export function QueuePanel() {
  const model = useRoom();
  const { next, played } = model.queue.value;
  const fair = model.details.value.settings.queuePolicy === 'fair';
  const [wanted, setWanted] = useState<readonly EntryId[]>();
  const [said, setSaid] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const refocus = useRef<EntryId>(undefined);

  const byId = new Map(next.map((item) => [item.id, item]));
  const actual = next.map((item) => item.id);
  const order = shownOrder(actual, wanted);
  const items = order.flatMap((id) => byId.get(id) ?? []);

  // Moved rows are new places in the page: the keyboard stays with the entry.
  useEffect(() => {
    if (refocus.current === undefined) return;
    const row = list.current?.querySelector(`[data-entry="${CSS.escape(refocus.current)}"]`);
    row?.querySelector<HTMLElement>('.grip')?.focus();
    row?.scrollIntoView({ block: 'nearest' });
    refocus.current = undefined;
  });

  const move = (from: number, to: number): void => {
    const id = order[from];
    const item = items[from];
    if (id === undefined || item === undefined) return;
    const after = moved(order, from, to);
    setWanted(after);
    refocus.current = id;
    setSaid(`${item.entry.title}: place ${to + 1} of ${after.length}`);
    model.run(async () => {
      try {
        await model.room.move(id, followerOf(after, id));
      } finally {
        setWanted((current) => (current === after ? undefined : current));
      }
    });
  };
  const drag = useDragSort(list, scroller, move);

  return (
    <section class="panel queue" aria-labelledby="queue-title">
      <SearchPanel />
      <header class="panel-head">
        <h2 id="queue-title">Up next</h2>
        <span class="panel-note">
          {items.length > 0 && lengthLabel(items)}
          {fair && ' · taking turns'}
        </span>
        <QueueTools empty={items.length === 0} />
      </header>
      <div ref={scroller} class="scroll" tabIndex={0} role="group" aria-label="Queue">
        {items.length === 0 ? (
          <p class="empty-note">
            {model.rights.value.add
              ? 'The queue is empty. Search above and add something.'
              : 'The queue is empty.'}
          </p>
        ) : (
          <ol ref={list} class={drag.lifted ? 'queue-list sorting' : 'queue-list'}>
            {items.map((item, index) => (
              <QueueRow
                key={item.id}
                item={item}
                index={index}
                count={items.length}
                lifted={drag.lifted?.from === index}
                onGrip={drag.onPointerDown}
                onMove={move}
              />
            ))}
          </ol>
        )}
        <Played items={played} />
      </div>
      <p class="sr-only" role="status">
        {said}
      </p>
    </section>
  );
}
