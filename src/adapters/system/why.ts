// Why something outside of the process could not be had, as the system says it.

/**
 * The innermost causes, as what holds them mostly says no more than that it failed; but an error that repeats its cause says more, as which
 * server it was of. A name with several addresses has a cause for each.
 * @returns one line: the reasons, joined by `; `, and the code of one that has no message
 */
export function whyOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(whyOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  // Those of TLS end with a line's end, those of a statement hold its lines.
  const message = error.message.replace(/\s+/g, ' ').trim();
  if (error.cause instanceof Error) {
    const inner = whyOf(error.cause);
    return message.includes(inner) ? message : inner;
  }
  return message === '' && 'code' in error ? String(error.code) : message;
}
