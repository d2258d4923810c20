// Owns one row of what comes next: what it is, its votes, and the ways to move it.
import type { QueueItem, RoomModel } from '../room-model.ts';
import { clockLabel } from '../wording.ts';
import { Cover } from './cover.tsx';
import { Icon } from './icons.tsx';
import { Menu, type MenuItem } from './menu.tsx';
import { useRoom } from './room-context.ts';

export interface QueueRowProps {
  readonly item: QueueItem;
  readonly index: number;
  readonly count: number;
  readonly lifted: boolean;
  readonly onGrip: (event: PointerEvent, index: number) => void;
  readonly onMove: (from: number, to: number) => void;
}

function Votes({ item }: { item: QueueItem }) {
  const model = useRoom();
  const mine = model.view.value.you.votes[item.id] ?? 0;
  const cast = (value: 1 | -1): void =>
    model.run(() => model.room.vote(item.id, mine === value ? 0 : value));
  return (
    <span class="votes" role="group" aria-label={`Votes for ${item.entry.title}`}>
      <button
        type="button"
        class="icon-button small"
        aria-label="Vote up"
        aria-pressed={mine === 1}
        onClick={() => cast(1)}
      >
        <Icon name="up" />
      </button>
      <span class="score">
        <span class="sr-only">score </span>
        {item.entry.score}
      </span>
      <button
        type="button"
        class="icon-button small"
        aria-label="Vote down"
        aria-pressed={mine === -1}
        onClick={() => cast(-1)}
      >
        <Icon name="down" />
      </button>
    </span>
  );
}

function rowMenu(model: RoomModel, props: QueueRowProps, mayMove: boolean): MenuItem[] {
  const { item, index, count, onMove } = props;
  const items: MenuItem[] = [];
  if (model.rights.value.control) {
    items.push({ label: 'Play now', run: () => model.run(() => model.room.jump(item.id)) });
  }
  if (mayMove) {
    if (index > 0) {
      items.push({ label: 'Play next', run: () => onMove(index, 0) });
      items.push({ label: 'Move up', run: () => onMove(index, index - 1) });
    }
    if (index < count - 1) {
      items.push({ label: 'Move down', run: () => onMove(index, index + 1) });
    }
    items.push({
      label: 'Remove',
      danger: true,
      run: () => model.run(() => model.room.remove([item.id])),
    });
  }
  return items;
}

export function QueueRow(props: QueueRowProps) {
  const { item, index, count, lifted, onGrip, onMove } = props;
  const model = useRoom();
  const { entry } = item;
  const rights = model.rights.value;
  const mayMove = rights.editQueue || (rights.add && entry.addedBy === model.me);
  const menu = rowMenu(model, props, mayMove);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!mayMove || !event.altKey) return;
    const to = event.key === 'ArrowUp' ? index - 1 : event.key === 'ArrowDown' ? index + 1 : -1;
    if (to < 0 || to >= count) return;
    event.preventDefault();
    onMove(index, to);
  };
  return (
    <li
      class={lifted ? 'queue-row lifted' : 'queue-row'}
      data-entry={item.id}
      onKeyDown={onKeyDown}
    >
      {mayMove ? (
        <button
          type="button"
          class="grip"
          aria-label={`Move ${entry.title}: drag, or Alt with the arrow keys`}
          onPointerDown={(event) => onGrip(event, index)}
        >
          <Icon name="grip" />
        </button>
      ) : (
        <span class="grip" aria-hidden="true">
          {index + 1}
        </span>
      )}
      <Cover trackId={entry.trackId} hasCover={entry.hasCover} />
      <span class="row-text">
        <span class="row-title">{entry.title}</span>
        <span class="row-sub">
          {entry.artist}
          <span class="row-by"> · {entry.addedBy === model.me ? 'you' : entry.addedByName}</span>
        </span>
      </span>
      <span class="row-length">{clockLabel(entry.durationMs)}</span>
      <Votes item={item} />
      {menu.length > 0 && <Menu label={`More for ${entry.title}`} items={menu} />}
    </li>
  );
}
