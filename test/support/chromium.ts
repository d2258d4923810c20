// Owns how tests start the real browser: which one, with sound that no press has to allow, and what happens where there is none.
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const hasChromium = existsSync(chromiumPath);

/**
 * For `describe.skipIf`. Says in one line why `what` is skipped; where nothing may be, the launch fails instead.
 */
export function skipsWithoutChromium(what: string): boolean {
  if (hasChromium) return false;
  if (process.env['EARSHOT_TEST_REQUIRE_ALL'] === '1') return false;
  console.warn(`${what} skipped: no Chromium at ${chromiumPath} (CHROMIUM_PATH names another)`);
  return true;
}

/** Pages that are not in front keep their pace: each is somebody's only page. */
export async function launchChromium(): Promise<Browser> {
  if (!hasChromium) throw new Error(`no Chromium at ${chromiumPath}: set CHROMIUM_PATH`);
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
      '--disable-backgrounding-occluded-windows',
    ],
  });
}
