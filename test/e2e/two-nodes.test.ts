// Two browsers, two nodes behind nginx, one room: what leaves the loudspeakers, also when a node dies under them.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRONOME_TITLE } from '../../src/adapters/media/demo/demo-tracks.ts';
import { putEarInto } from '../support/audio-ear.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { unlessStarved } from '../support/device-starved.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { metronome, musicFolder } from '../support/music-process.ts';
import { hasNginx, startNginx, type Nginx } from '../support/nginx.ts';
import { SETTLE_MS, judge } from '../support/page-distance.ts';
import { SharedServers } from '../support/shared-servers.ts';

const cannot = skipsWithoutChromium('two nodes') || !hasNginx();
const servers = cannot ? undefined : await SharedServers.start();

describe.skipIf(servers === undefined)('two pages on two nodes behind nginx', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let browser: Browser;
  let nginx: Nginx;
  let nodes: EarshotProcess[];

  beforeAll(async () => {
    cleanUps.push(() => servers!.stop());
    const { music } = await musicFolder(metronome(), cleanUps);
    const env = { MEDIA_DIR: music, TRUST_PROXY: 'on' };
    nodes = await Promise.all([servers!.node(env), servers!.node(env)]);
    nginx = await startNginx(nodes.map(({ port }) => port));
    cleanUps.push(() => nginx.stop());
    browser = await launchChromium();
    cleanUps.push(() => browser.close());
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function openPage(): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      bypassCSP: true,
    });
    const page = await context.newPage();
    await putEarInto(page);
    return page;
  }

  /** How many sockets each node has. */
  function sockets(): Promise<number[]> {
    return Promise.all(nodes.map((node) => node.metric('earshot_connections')));
  }

  it(
    'hear the same moment, and go on when one of the nodes is killed',
    { timeout: 400_000 },
    (context) => unlessStarved(context, hearTheSame),
  );

  async function hearTheSame(): Promise<void> {
    const ana = await openPage();
    await ana.goto(nginx.url);
    await ana.getByLabel('Your name').fill('Ana');
    await ana.getByLabel('Name of the room').fill('Kitchen');
    await ana.getByRole('button', { name: 'Start the room' }).click();
    const add = ana.getByRole('button', { name: `Add ${METRONOME_TITLE} to the end` });
    for (let n = 0; n < 4; n += 1) await add.click();
    await ana.getByRole('button', { name: 'Listen' }).click();

    const ben = await openPage();
    await ben.goto(ana.url());
    await ben.getByLabel('Your name').fill('Ben');
    await ben.getByRole('button', { name: 'Enter the room' }).click();
    await ben.getByRole('button', { name: 'Listen' }).click();
    await ana.getByRole('button', { name: 'Play', exact: true }).click();
    await ana.waitForTimeout(SETTLE_MS);
    expect(await sockets(), 'sockets of each node').toEqual([1, 1]);
    await judge('on two nodes', ana, ben, 20_000);

    await ben.getByRole('button', { name: 'Skip', exact: true }).click();
    await ana.waitForTimeout(SETTLE_MS);
    await judge('after a skip', ana, ben, 6_000);

    const [dying] = nodes.splice(1, 1);
    await dying!.kill();
    // Whoever was on it plays on from what is planned, and comes back through the other.
    await judge('while a node is dead', ana, ben, 4_000);
    for (const page of [ana, ben]) {
      await page
        .getByText(/^(?:Connection lost|Reconnecting)/)
        .waitFor({ state: 'detached', timeout: 60_000 });
    }
    await ana.getByRole('slider', { name: 'Position in the track' }).press('ArrowRight');
    await ana.waitForTimeout(SETTLE_MS);
    expect(await sockets()).toEqual([2]);
    await judge('on the other node', ana, ben, 10_000);
    await ana.context().close();
    await ben.context().close();
  }
});
