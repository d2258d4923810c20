// Owns the sheet with a room's settings: by preset first, one by one below; and what is one's own on this device.
import { useState } from 'preact/hooks';
import type { Preset, Settings, Visibility } from '../../../protocol/schemas/room.ts';
import { recall, remember } from '../browser-store.ts';
import { MAX_NAME_LENGTH } from '../limits.ts';
import { canKeepScreenOn } from '../wake-lock.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Dialog } from './dialog.tsx';
import { NudgeDialog } from './nudge-dialog.tsx';
import { NudgeField } from './nudge-field.tsx';
import { PresetChoice } from './preset-choice.tsx';
import { useRoom } from './room-context.ts';
import { SettingsFields } from './settings-fields.tsx';

const VISIBILITIES: readonly (readonly [Visibility, string])[] = [
  ['public', 'Public: listed, open to everybody'],
  ['unlisted', 'Unlisted: open to whoever has the code'],
  ['private', 'Private: by invite or a knock'],
];

function OwnDevice({ onByEar }: { onByEar: () => void }) {
  const model = useRoom();
  return (
    <>
      <NudgeField />
      <div class="button-row">
        <button type="button" class="button compact" onClick={onByEar}>
          Set by ear…
        </button>
      </div>
      <p class="quiet">
        For a Bluetooth speaker that trails the others. Each output of this device has its own.
      </p>
      {canKeepScreenOn() && (
        <label class="check">
          <input
            type="checkbox"
            checked={model.keepsScreenOn.value}
            onChange={(event) => model.setKeepsScreenOn(event.currentTarget.checked)}
          />
          Keep the screen on while music plays
        </label>
      )}
    </>
  );
}

function SameLoudness() {
  const model = useRoom();
  const [on, setOn] = useState(recall('loudness') !== 'as recorded');
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          setOn(checked);
          remember('loudness', checked ? 'matched' : 'as recorded');
          model.player.setLoudnessMatching(checked);
        }}
      />
      Play all tracks equally loud
    </label>
  );
}

function HostSettings({ onDone }: { onDone: () => void }) {
  const model = useRoom();
  const room = model.details.value;
  const [name, setName] = useState(room.name);
  const [visibility, setVisibility] = useState<Visibility>(room.visibility);
  const [preset, setPreset] = useState<Preset>();
  const [changes, setChanges] = useState<Partial<Settings>>({});
  const save = (): void => {
    const trimmed = name.trim();
    const update = {
      ...(trimmed !== '' && trimmed !== room.name && { name: trimmed }),
      ...(visibility !== room.visibility && { visibility }),
      ...(preset !== undefined && { preset }),
      ...(Object.keys(changes).length > 0 && { settings: changes }),
    };
    if (Object.keys(update).length > 0) model.run(() => model.room.update(update));
    onDone();
  };
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label class="field">
        <span class="field-label">Name of the room</span>
        <input
          type="text"
          required
          maxLength={MAX_NAME_LENGTH}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      {model.rights.value.owner && (
        <label class="field">
          <span class="field-label">Who gets in</span>
          <select
            value={visibility}
            onChange={(event) => setVisibility(event.currentTarget.value as Visibility)}
          >
            {VISIBILITIES.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      )}
      <PresetChoice
        value={preset ?? room.preset}
        onChange={(chosen) => {
          // A preset sets all; what was changed one by one before it is moot.
          setPreset(chosen);
          setChanges({});
        }}
      />
      {preset === undefined || preset === room.preset ? (
        <SettingsFields
          settings={{ ...room.settings, ...changes }}
          onChange={(change) => setChanges((now) => ({ ...now, ...change }))}
        />
      ) : (
        <p class="quiet">Save to take all settings of this kind of room.</p>
      )}
      <div class="button-row end">
        <button type="submit" class="button primary">
          Save
        </button>
      </div>
    </form>
  );
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const model = useRoom();
  const [closing, setClosing] = useState(false);
  const [byEar, setByEar] = useState(false);
  const { host, owner } = model.rights.value;
  if (closing) {
    return (
      <ConfirmDialog
        title="Close the room for everybody?"
        text="The music stops, all are shown out, and the link leads nowhere from then on."
        action="Close the room"
        run={() => model.run(() => model.room.close())}
        onClose={() => setClosing(false)}
      />
    );
  }
  if (byEar) return <NudgeDialog onClose={() => setByEar(false)} />;
  return (
    <Dialog title="Settings" onClose={onClose}>
      {host ? (
        <HostSettings onDone={onClose} />
      ) : (
        <p class="quiet">
          The host decides about this room: it is set to {model.details.value.preset}.
        </p>
      )}
      <section class="own-device">
        <h3>On this device</h3>
        <OwnDevice onByEar={() => setByEar(true)} />
        <SameLoudness />
      </section>
      {owner && (
        <section class="danger-zone">
          <button type="button" class="button danger" onClick={() => setClosing(true)}>
            Close the room…
          </button>
        </section>
      )}
    </Dialog>
  );
}
