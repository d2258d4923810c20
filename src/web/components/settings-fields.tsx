// Owns the fields of a room's settings, one by one.
import type { Permission, Settings } from '../../../protocol/schemas/room.ts';

const PERMISSIONS: readonly (readonly [Permission, string])[] = [
  ['all', 'everybody'],
  ['dj', 'host and DJs'],
  ['host', 'the host'],
];
const WHO = [
  ['control', 'Play, pause, seek, skip'],
  ['queueAdd', 'Add to the queue'],
  ['queueEdit', 'Sort and remove what others added'],
  ['chat', 'Write in the chat'],
  ['invite', 'Invite, and open the door'],
] as const satisfies readonly (readonly [keyof Settings, string])[];
const SHARES = [
  ['skipVoteShare', 'Votes that skip a track'],
  ['removeVoteShare', 'Votes against that remove one'],
] as const satisfies readonly (readonly [keyof Settings, string])[];

export interface SettingsFieldsProps {
  readonly settings: Settings;
  readonly onChange: (change: Partial<Settings>) => void;
}

function shareLabel(share: number): string {
  return share === 0 ? 'never' : `${Math.round(share * 100)} % of those here`;
}

export function SettingsFields({ settings, onChange }: SettingsFieldsProps) {
  return (
    <details class="fine">
      <summary>One by one</summary>
      {WHO.map(([key, text]) => (
        <label key={key} class="field inline">
          <span class="field-label">{text}</span>
          <select
            value={settings[key]}
            onChange={(event) => onChange({ [key]: event.currentTarget.value as Permission })}
          >
            {PERMISSIONS.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      ))}
      {SHARES.map(([key, text]) => (
        <label key={key} class="field">
          <span class="field-label">
            {text}: {shareLabel(settings[key])}
          </span>
          <input
            type="range"
            min="0"
            max="100"
            step="5"
            value={Math.round(settings[key] * 100)}
            onInput={(event) => onChange({ [key]: event.currentTarget.valueAsNumber / 100 })}
          />
        </label>
      ))}
      <label class="check">
        <input
          type="checkbox"
          checked={settings.queuePolicy === 'fair'}
          onChange={(event) =>
            onChange({ queuePolicy: event.currentTarget.checked ? 'fair' : 'manual' })
          }
        />
        The queue takes turns among those who added
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={settings.showActivity}
          onChange={(event) => onChange({ showActivity: event.currentTarget.checked })}
        />
        Friends may see what is played here
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={settings.friendsEnter}
          onChange={(event) => onChange({ friendsEnter: event.currentTarget.checked })}
        />
        Friends of members enter without an invite
      </label>
    </details>
  );
}
