// Why something outside of the process could not be had, as the system says it.

/**
 * The innermost causes: what holds them says that it failed. A name with several addresses has one for each.
 * @returns one line where each cause has one; the code of a cause that has no message
 */
export function whyOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(whyOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return whyOf(error.cause);
  return error.message === '' && 'code' in error ? String(error.code) : error.message;
}
