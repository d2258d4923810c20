// `npm run screenshots`: starts the built service with its demo tracks and takes the pictures of docs/ from the real page.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const TRACKS = [
  'Harbour Before Light',
  'Paper Lantern Road',
  'Pocket Comet',
  'Nine Wooden Stairs',
  'Late Tram, Window Seat',
];
const TALK = [
  ['ana', 'is the tram one from the same people?'],
  ['ben', 'yes! wait for the second half'],
  ['ana', 'ok, waiting'],
];

const dataDir = mkdtempSync(path.join(tmpdir(), 'earshot-shots-'));
const service = spawn(process.execPath, ['dist/src/main.js'], {
  env: { ...process.env, DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});

/** Resolves with the first log line for which `test` holds. */
function logged(test) {
  return new Promise((resolve) => {
    createInterface({ input: service.stdout }).on('line', (line) => {
      const entry = JSON.parse(line);
      if (test(entry)) resolve(entry);
    });
  });
}

const listening = logged(({ msg }) => msg === 'Earshot is listening');
const scanned = logged(({ msg, tracks }) => msg === 'media: folder scanned' && tracks >= 7);
const { url } = await listening;
await scanned;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
});
const open = async (options) => (await browser.newContext(options)).newPage();

try {
  const ana = await open({ viewport: DESK, deviceScaleFactor: 2 });
  await ana.goto(url);
  await ana.getByLabel('Your name').fill('Ana');
  await ana.getByLabel('Name of the room').fill('Friday night');
  await ana.screenshot({ path: 'docs/page-landing.png' });
  await ana.getByRole('button', { name: 'Start the room' }).click();
  for (const title of TRACKS)
    await ana.getByRole('button', { name: `Add ${title} to the end` }).click();
  await ana.getByRole('button', { name: 'Done', exact: true }).click();
  await ana.getByRole('button', { name: 'Listen' }).click();
  await ana.getByRole('button', { name: 'Play', exact: true }).click();

  const join = async (page, name) => {
    await page.goto(ana.url());
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Enter the room' }).click();
    await page.getByRole('button', { name: 'Listen' }).first().click();
  };
  const ben = await open({ viewport: PHONE, deviceScaleFactor: 2 });
  await join(ben, 'Ben');
  const cleo = await open({ viewport: DESK, colorScheme: 'dark', deviceScaleFactor: 2 });
  await join(cleo, 'Cleo');

  const pages = { ana, ben };
  await ben.getByRole('button', { name: 'Chat' }).click();
  for (const [who, text] of TALK) {
    await pages[who].getByPlaceholder('Say something').fill(text);
    await pages[who].getByPlaceholder('Say something').press('Enter');
  }
  await ben.getByRole('button', { name: 'Now' }).click();
  // Until everybody has reported how well in step they are, and the greetings have gone.
  await ana.waitForTimeout(14_000);
  await ana.evaluate(() => globalThis.document.activeElement?.blur());
  await ana.screenshot({ path: 'docs/page-desk.png' });
  await ben.screenshot({ path: 'docs/page-phone.png' });
  await cleo.screenshot({ path: 'docs/page-dark.png' });
} finally {
  await browser.close();
  service.kill('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
}
