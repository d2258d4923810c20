// What `/metrics` says, as numbers. Knows the text format of Prometheus and no name of a figure.

/** By name with its labels as they stand there, as `nodejs_active_resources{type="Timeout"}`. */
export type Figures = ReadonlyMap<string, number>;

export function figuresIn(text: string): Figures {
  const figures = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    figures.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return figures;
}
