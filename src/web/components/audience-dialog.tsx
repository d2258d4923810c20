// Owns who sees what one listens to: everybody who is a friend, some of them, nobody; and nobody for a while.
import { useState } from 'preact/hooks';
import type { UserId } from '../../../protocol/ids.ts';
import type { AudienceKind } from '../page-people.ts';
import { leftLabel } from '../people-wording.ts';
import { countLabel } from '../wording.ts';
import { Avatar } from './avatar.tsx';
import { Dialog } from './dialog.tsx';
import { isOpenEnded, OPEN_ENDED_MS } from './private-note.tsx';
import { useSession } from './session-context.ts';
import { useHubNow } from './use-ticking.ts';

const HOUR = 3_600_000;
const STRETCHES = [
  ['1 hour', HOUR],
  ['4 hours', 4 * HOUR],
  ['Until I end it', OPEN_ENDED_MS],
] as const;
const KINDS: readonly (readonly [AudienceKind, string, string])[] = [
  ['friends', 'Friends', 'All of your friends see what you play, and may join.'],
  ['chosen', 'Chosen', 'Only those of your friends whom you pick.'],
  ['nobody', 'Nobody', 'You see your friends, they do not see you.'],
];

function PrivateSwitch() {
  const { social } = useSession();
  const now = useHubNow(1_000);
  const until = social.feed.value.audience?.privateUntil;
  const isOn = until !== undefined && now !== undefined && until > now;
  return (
    <section class="part" aria-labelledby="private-title">
      <h3 id="private-title">Private session</h3>
      <p class="quiet">
        {isOn
          ? `On${isOpenEnded(until, now) ? ' until you end it' : `: ${leftLabel(until - now)}`}. Nobody sees what you play, and your friends keep nothing of it.`
          : 'Nobody sees what you play for a while, whatever is set below.'}
      </p>
      <div class="button-row">
        {isOn ? (
          <button
            type="button"
            class="button"
            onClick={() => social.setAudience({ privateUntil: null })}
          >
            End it now
          </button>
        ) : (
          STRETCHES.map(([label, ms]) => (
            <button
              key={label}
              type="button"
              class="button compact"
              disabled={now === undefined}
              onClick={() => {
                const at = social.hubNow();
                if (at !== undefined) social.setAudience({ privateUntil: Math.round(at + ms) });
              }}
            >
              {label}
            </button>
          ))
        )}
      </div>
    </section>
  );
}

function Picker({
  chosen,
  onChange,
}: {
  chosen: ReadonlySet<UserId>;
  onChange: (chosen: ReadonlySet<UserId>) => void;
}) {
  const { social } = useSession();
  const friends = social.overview.value?.friends ?? [];
  if (friends.length === 0) return <p class="quiet">You have no friends here to choose from.</p>;
  const toggle = (userId: UserId, isIn: boolean): void => {
    const next = new Set(chosen);
    if (isIn) next.add(userId);
    else next.delete(userId);
    onChange(next);
  };
  return (
    <fieldset class="picker">
      <legend class="field-label">{countLabel(chosen.size, 'friend')} chosen</legend>
      {friends.map((friend) => (
        <label key={friend.userId} class="check person-row">
          <input
            type="checkbox"
            checked={chosen.has(friend.userId)}
            onChange={(event) => toggle(friend.userId, event.currentTarget.checked)}
          />
          <Avatar {...friend} />
          <span class="person-name">{friend.name}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function AudienceDialog({ onClose }: { onClose: () => void }) {
  const { social } = useSession();
  const kept = social.feed.value.audience;
  const [kind, setKind] = useState<AudienceKind>();
  const [chosen, setChosen] = useState<ReadonlySet<UserId>>();
  const shownKind = kind ?? kept?.audience ?? 'friends';
  const shownChosen = chosen ?? new Set(kept?.chosen);
  const save = (): void => {
    social.setAudience({
      audience: shownKind,
      ...(shownKind === 'chosen' && { userIds: [...shownChosen] }),
    });
    onClose();
  };
  return (
    <Dialog title="Who sees what I play" onClose={onClose}>
      <PrivateSwitch />
      <form
        class="part"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <fieldset class="presets">
          <legend class="field-label">Otherwise</legend>
          {KINDS.map(([value, name, means]) => (
            <label key={value} class="preset">
              <input
                type="radio"
                name="audience"
                value={value}
                checked={shownKind === value}
                onChange={() => setKind(value)}
              />
              <span class="preset-name">{name}</span>
              <span class="preset-means">{means}</span>
            </label>
          ))}
        </fieldset>
        {shownKind === 'chosen' && <Picker chosen={shownChosen} onChange={setChosen} />}
        <p class="quiet">Whoever may not see it any more loses at once what they were shown.</p>
        <div class="button-row end">
          <button type="submit" class="button primary" disabled={kept === undefined}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
