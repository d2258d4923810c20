// Owns the choice among the three presets and their words.
import type { Preset } from '../../../protocol/schemas/room.ts';

const PRESETS: readonly { readonly id: Preset; readonly name: string; readonly means: string }[] = [
  { id: 'friends', name: 'Friends', means: 'Everybody plays, skips and queues.' },
  { id: 'party', name: 'Party', means: 'Everybody queues and votes; host and DJs steer.' },
  { id: 'radio', name: 'Radio', means: 'The host plays, all others listen.' },
];

export interface PresetChoiceProps {
  readonly value: Preset;
  readonly onChange: (preset: Preset) => void;
  readonly disabled?: boolean;
}

export function PresetChoice({ value, onChange, disabled = false }: PresetChoiceProps) {
  return (
    <fieldset class="presets" disabled={disabled}>
      <legend class="field-label">Kind of room</legend>
      {PRESETS.map((preset) => (
        <label key={preset.id} class="preset">
          <input
            type="radio"
            name="preset"
            value={preset.id}
            checked={value === preset.id}
            onChange={() => onChange(preset.id)}
          />
          <span class="preset-name">{preset.name}</span>
          <span class="preset-means">{preset.means}</span>
        </label>
      ))}
    </fieldset>
  );
}
