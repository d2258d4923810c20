// Owns keeping the screen on while it is wanted; must not know why it is wanted.

/**
 * The browser takes the lock away whenever the page is hidden, so it is asked for anew when it is seen again.
 * @returns lets the screen go
 */
export function keepScreenOn(): () => void {
  const { wakeLock } = navigator as { readonly wakeLock?: WakeLock };
  if (wakeLock === undefined) return () => undefined;
  let isWanted = true;
  let held: WakeLockSentinel | undefined;
  const isDue = (): boolean => isWanted && !document.hidden && held?.released !== false;
  const ask = async (): Promise<void> => {
    if (!isDue()) return;
    try {
      const lock = await wakeLock.request('screen');
      // Let go, or asked for twice, while the browser thought about it.
      if (isDue()) held = lock;
      else await lock.release();
    } catch (error) {
      // A battery that runs low, or a policy: the screen then goes dark, and nothing else happens.
      if (!(error instanceof DOMException)) throw error;
    }
  };
  const onVisibility = (): void => void ask();
  document.addEventListener('visibilitychange', onVisibility);
  void ask();
  return () => {
    isWanted = false;
    document.removeEventListener('visibilitychange', onVisibility);
    void held?.release();
  };
}

export const canKeepScreenOn = (): boolean => 'wakeLock' in navigator;
