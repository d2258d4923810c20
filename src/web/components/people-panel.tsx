// Owns who is here: names, roles, how well in step each is, and what a host may do about them.
import { useState } from 'preact/hooks';
import type { UserId } from '../../../protocol/ids.ts';
import type { Present } from '../../../protocol/schemas/pushes.ts';
import type { SyncState } from '../../../protocol/schemas/requests.ts';
import type { RoomModel } from '../room-model.ts';
import { countLabel, errorLabel } from '../wording.ts';
import { Avatar } from './avatar.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Menu, type MenuItem } from './menu.tsx';
import { useRoom } from './room-context.ts';
import { StepMark } from './step-mark.tsx';

const ROLE_NAMES = { host: 'host', dj: 'DJ', listener: '' } as const;
const ROLE_ORDER = { host: 0, dj: 1, listener: 2 } as const;
const STATE_NAMES: Readonly<Record<Exclude<SyncState, 'following' | 'idle'>, string>> = {
  detached: 'detached',
  buffering: 'buffering',
  cannot_keep_up: 'out of step',
};
const BAN_MS = 3_600_000;

interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly run: () => void;
}

function ban(model: RoomModel, userId: UserId, name: string, durationMs?: number): void {
  model.run(async () => {
    await model.room.ban(userId, durationMs);
    model.notices.show('event', `${name} is banned`, {
      label: 'Undo',
      run: () => model.run(() => model.room.unban(userId)),
    });
  });
}

function hostMenu(
  model: RoomModel,
  userId: UserId,
  member: Present,
  ask: (question: Question) => void,
): MenuItem[] {
  const { room } = model;
  const { name, role } = member;
  return [
    role === 'dj'
      ? { label: 'Make a listener', run: () => model.run(() => room.setRole(userId, 'listener')) }
      : { label: 'Make a DJ', run: () => model.run(() => room.setRole(userId, 'dj')) },
    {
      label: 'Hand over the room',
      run: () =>
        ask({
          title: `Make ${name} the host?`,
          text: 'You stay in the room, but it is theirs then.',
          action: 'Hand over',
          run: () => model.run(() => room.transferHost(userId)),
        }),
    },
    { label: 'Remove', danger: true, run: () => model.run(() => room.kick(userId)) },
    { label: 'Ban for an hour', danger: true, run: () => ban(model, userId, name, BAN_MS) },
    {
      label: 'Ban for good',
      danger: true,
      run: () =>
        ask({
          title: `Ban ${name} for good?`,
          text: 'They cannot come back with any link or invite.',
          action: 'Ban',
          run: () => ban(model, userId, name),
        }),
    },
  ];
}

function Step({ userId }: { userId: UserId }) {
  const model = useRoom();
  const sync = model.view.value.sync?.members[userId];
  if (sync === undefined) return null;
  if (sync.state !== 'following') return <span class="chip off">{STATE_NAMES[sync.state]}</span>;
  return (
    <span class={Math.abs(sync.errorMs) <= 20 ? 'chip good' : 'chip fair'}>
      <StepMark errorMs={sync.errorMs} />
      <span class="sr-only">out of step by </span>
      {errorLabel(sync.errorMs)}
    </span>
  );
}

export function PeoplePanel() {
  const model = useRoom();
  const { presence } = model.view.value;
  const [question, setQuestion] = useState<Question>();
  const members = (Object.entries(presence.members) as [UserId, Present][]).sort(
    ([idA, a], [idB, b]) =>
      Number(idB === model.me) - Number(idA === model.me) ||
      ROLE_ORDER[a.role] - ROLE_ORDER[b.role] ||
      a.name.localeCompare(b.name),
  );
  const unnamed = presence.count - members.length;
  return (
    <section class="panel people" aria-labelledby="people-title">
      <header class="panel-head">
        <h2 id="people-title">Here</h2>
        <span class="panel-note">{presence.count}</span>
      </header>
      <div class="scroll" tabIndex={0} role="group" aria-label="People in the room">
        <ul class="people-list">
          {members.map(([userId, member]) => (
            <li key={userId}>
              <Avatar name={member.name} />
              <span class="person-name">
                {member.name}
                {userId === model.me && <span class="quiet"> (you)</span>}
              </span>
              {member.role !== 'listener' && <span class="role">{ROLE_NAMES[member.role]}</span>}
              <Step userId={userId} />
              {model.rights.value.host &&
                (userId === model.me ? (
                  <span class="menu-space" />
                ) : (
                  <Menu
                    label={`More for ${member.name}`}
                    items={hostMenu(model, userId, member, setQuestion)}
                  />
                ))}
            </li>
          ))}
        </ul>
        {unnamed > 0 && <p class="empty-note">and {countLabel(unnamed, 'other')}</p>}
        <Lately />
      </div>
      {question !== undefined && (
        <ConfirmDialog {...question} onClose={() => setQuestion(undefined)} />
      )}
    </section>
  );
}

function Lately() {
  const happenings = useRoom().happenings.value;
  if (happenings.length === 0) return null;
  return (
    <section class="lately" aria-labelledby="lately-title">
      <h3 id="lately-title">Lately</h3>
      <ul>
        {happenings.map((happening) => (
          <li key={happening.key}>{happening.text}</li>
        ))}
      </ul>
    </section>
  );
}
