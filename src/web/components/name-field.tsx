// Owns the field for one's name.
import { MAX_NAME_LENGTH } from '../limits.ts';

export interface NameFieldProps {
  readonly value: string;
  readonly onChange: (name: string) => void;
  readonly autoFocus?: boolean;
}

export function NameField({ value, onChange, autoFocus = false }: NameFieldProps) {
  return (
    <label class="field">
      <span class="field-label">Your name</span>
      <input
        type="text"
        name="name"
        required
        maxLength={MAX_NAME_LENGTH}
        autocomplete="nickname"
        autoFocus={autoFocus}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
        placeholder="What friends call you"
      />
    </label>
  );
}
