// Owns how text becomes markup: what is put into a template is escaped, unless it is markup already. Knows no reports.

/** Text of HTML or SVG that is safe as it stands: only the functions here make it. */
export class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Part = Markup | string | number | undefined | readonly Part[];

/** Attributes have to stand in double quotes in the template. */
export function markup(written: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    written.map((text, at) => (at === 0 ? text : textOf(parts[at - 1]) + text)).join(''),
  );
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.toString();
  if (typeof part === 'object') return part.map(textOf).join('');
  return escaped(String(part));
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** As JSON that may stand in a script element: nothing in it ends one, or begins a comment. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
