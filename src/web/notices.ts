// Owns the short notes at the page's edge and how long they stay; must not know what they are about.
import { signal, type ReadonlySignal } from '@preact/signals';

export interface Notice {
  readonly id: number;
  readonly tone: 'event' | 'problem';
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

const MAX_SHOWN = 3;
const EVENT_STAYS_MS = 4_500;
const PROBLEM_STAYS_MS = 8_000;

export class Notices {
  readonly #shown = signal<readonly Notice[]>([]);
  #lastId = 0;

  get shown(): ReadonlySignal<readonly Notice[]> {
    return this.#shown;
  }

  show(tone: Notice['tone'], text: string, action?: Notice['action']): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const notice: Notice = action === undefined ? { id, tone, text } : { id, tone, text, action };
    // The same sentence twice is one note that stays longer.
    const others = this.#shown.value.filter((shown) => shown.text !== text);
    this.#shown.value = [...others, notice].slice(-MAX_SHOWN);
    setTimeout(() => this.dismiss(id), tone === 'event' ? EVENT_STAYS_MS : PROBLEM_STAYS_MS);
  }

  dismiss(id: number): void {
    this.#shown.value = this.#shown.value.filter((notice) => notice.id !== id);
  }
}
