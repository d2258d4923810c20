// Waiting for what only another process can tell.

const POLL_MS = 100;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Throws when it is not so within `patienceMs`. A question that fails, as a server is just going or coming, is asked again. */
export async function until(
  what: string,
  patienceMs: number,
  isSo: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let cause: unknown;
  const holds = async (): Promise<boolean> => {
    try {
      return await isSo();
    } catch (error) {
      cause = error;
      return false;
    }
  };
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`, { cause });
    await pause(POLL_MS);
  }
}
