// The page of a load test in real Chromium, from a file and without a network: that it is drawn, that everybody can use it, and that
// nothing in a report becomes part of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareReports } from '../../loadtest/report/compare.ts';
import { comparisonHtml } from '../../loadtest/report/comparison-html.ts';
import { htmlOf } from '../../loadtest/report/html.ts';
import type { Report } from '../../loadtest/report/report.ts';
import { violations } from '../support/axe.ts';
import { launchChromium, skipsWithoutChromium } from '../support/chromium.ts';
import { badReport, limitReport, loadReport } from '../support/load-report.ts';

const DESK = { width: 1280, height: 900 };
const PHONE = { width: 375, height: 812 };

function comparisonOf(before: Report, after: Report): string {
  const comparison = compareReports(before, after);
  if (typeof comparison === 'string') throw new Error(comparison);
  return comparisonHtml(comparison, before, after);
}

const PAGES: Readonly<Record<string, () => string>> = {
  'a run that passed': () => htmlOf(loadReport()),
  'a run that failed': () => htmlOf(badReport()),
  'a run that is invalid': () => htmlOf(loadReport({ verdict: 'invalid', reasons: ['late'] })),
  'a search for the limit': () => htmlOf(limitReport()),
  'a comparison': () => comparisonOf(loadReport(), badReport()),
};

describe.skipIf(skipsWithoutChromium('the page of a load test'))('the page of a load test', () => {
  let browser: Browser;
  let dir: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'earshot-report-page-'));
    browser = await launchChromium();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await rm(dir, { recursive: true });
  });

  /** Whatever the page asks for beside itself fails, and is complained about; so is every error. */
  async function open(html: string, options: BrowserContextOptions = {}): Promise<Page> {
    const file = path.join(dir, 'report.html');
    await writeFile(file, html);
    const context = await browser.newContext({ viewport: DESK, offline: true, ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    const url = pathToFileURL(file).href;
    page.on('request', (request) => {
      if (![url, 'data:,'].includes(request.url())) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    return page;
  }

  /** Of each plot, whether anything is on its canvas. */
  function drawn(page: Page): Promise<Record<string, boolean>> {
    return page.evaluate(() =>
      Object.fromEntries(
        [...document.querySelectorAll('figure[id]')].map((figure) => {
          const canvas = figure.querySelector('canvas');
          const { width = 0, height = 0 } = canvas ?? {};
          const pixels = canvas?.getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
          return [figure.id, pixels.some((value) => value > 0)];
        }),
      ),
    );
  }

  /** How many points of the latency's plot have the colour of a line. */
  function pointsOf(page: Page, line: string): Promise<number> {
    return page.evaluate((name) => {
      const probe = document.createElement('i');
      probe.className = `swatch ${name}`;
      document.body.append(probe);
      const [red, green, blue] = getComputedStyle(probe).backgroundColor.match(/\d+/g)!.map(Number);
      probe.remove();
      const canvas = document.querySelector<HTMLCanvasElement>('#plot-latency canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) found += 1;
      }
      return found;
    }, line);
  }

  it('draws every plot from a file, without a network and within its own policy', async () => {
    const page = await open(PAGES['a run that failed']!());
    const plots = await drawn(page);
    for (const id of [
      ...['latency', 'people', 'traffic', 'requests', 'faults', 'hub-cpu', 'hub-memory'],
      ...['hub-metrics', 'generator-busy', 'generator-delay', 'generator-memory'],
    ]) {
      expect(plots[`plot-${id}`], id).toBe(true);
    }
    expect(await pointsOf(page, 'one')).toBeGreaterThan(50);
  });

  it('shows another latency, on another scale, and tells it to whoever does not see it', async () => {
    const page = await open(htmlOf(loadReport()));
    const drawing = page.locator('#plot-latency .drawing');
    expect(await drawing.getAttribute('aria-label')).toBe(
      'Latency, command.last, over time: p50 at most 7 ms, p99 at most 36 ms, largest at most 56 ms.',
    );
    const before = await page.locator('#plot-latency canvas').screenshot();
    await page.getByLabel('Latency: which one').selectOption('join');
    expect(await drawing.getAttribute('aria-label')).toContain(
      'join, over time: p50 at most 14 ms',
    );
    const other = await page.locator('#plot-latency canvas').screenshot();
    expect(other.equals(before)).toBe(false);
    await page.getByLabel('logarithmic').check();
    expect((await page.locator('#plot-latency canvas').screenshot()).equals(other)).toBe(false);
    expect(await drawn(page)).toMatchObject({ 'plot-latency': true });
  });

  it('tells beside the lines what is under the pointer, in all plots at the same time', async () => {
    const page = await open(htmlOf(loadReport()));
    const legend = (id: string) => page.locator(`#plot-${id} .legend`);
    expect(await legend('people').textContent()).toContain('joined 100people, at most');
    await page.locator('#plot-latency .u-over').hover();
    expect(await legend('latency').textContent()).toMatch(/ms, at \d+ s, steady$/);
    expect(await legend('generator-delay').textContent()).toMatch(/ms, at \d+ s, steady$/);
    await page.locator('h1').hover();
    expect(await legend('latency').textContent()).toMatch(/ms, at most$/);
  });

  it('draws in the colours of the scheme, also when it changes', async () => {
    const page = await open(htmlOf(loadReport()));
    expect(await pointsOf(page, 'one')).toBeGreaterThan(50);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => pointsOf(page, 'one')).toBeGreaterThan(50);
  });

  describe.each(Object.keys(PAGES))('of %s', (name) => {
    const html = PAGES[name]!();

    it.each([
      ['light', DESK],
      ['dark', PHONE],
    ] as const)('has no accessibility violations, %s, %o', async (colorScheme, viewport) => {
      const page = await open(html, { colorScheme, viewport });
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true;
      });
      expect(await violations(page)).toEqual([]);
    });

    it('fits a phone', async () => {
      const page = await open(html, { viewport: PHONE, hasTouch: true, isMobile: true });
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true;
      });
      const widths = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        window.visualViewport?.width,
      ]);
      expect(widths).toEqual([PHONE.width, PHONE.width]);
    });
  });

  it('still fits a phone where names are long and have no spaces', async () => {
    const long = 'x'.repeat(300);
    const report = badReport({
      ...{ hubs: [long], reasons: [long], verdict: 'invalid' },
      scenario: { name: long, description: long, seed: 1 },
      thresholds: [{ text: long, value: 1, kept: false }],
      faults: [{ kind: long, stream: long, meaning: long, count: 1, examples: [long] }],
    });
    const page = await open(htmlOf(report), { viewport: PHONE });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);
  });

  it('holds the elements and attributes that it holds anyway, whatever a report says', async () => {
    /** All elements in their order, each with the names of its attributes. */
    const skeletonOf = async (text: string): Promise<string[]> => {
      const base = badReport();
      const page = await open(
        htmlOf({
          ...base,
          ...{ reasons: [text], hubs: [text], at: text },
          scenario: { name: text, description: text, seed: 1 },
          thresholds: [{ text, value: 1, kept: false }],
          faults: [{ kind: text, stream: text, meaning: text, count: 1, examples: [text] }],
          phases: base.phases.map((phase) => ({ ...phase, name: text })),
          seconds: base.seconds.map((each) => ({ ...each, latencies: { [text]: [1, 2, 3] } })),
          hubSeconds: base.hubSeconds.map((each, at) => ({ ...each, metrics: { [text]: at } })),
          counts: { ...base.counts, refused: { [text]: 1 } },
        }),
      );
      expect(await page.locator('h1').textContent()).toBe(text);
      return page.evaluate(() =>
        [...document.querySelectorAll('*')].map(
          ({ tagName, attributes }) =>
            `${tagName} ${[...attributes].map(({ name }) => name).join()}`,
        ),
      );
    };
    const benign = await skeletonOf('benign');
    for (const hostile of [
      '</script><script>alert(1)</script>',
      '"><img src="https://elsewhere.example/x.png" onerror="alert(1)">',
      "' onfocus='alert(1)' autofocus x='",
      '--></title></style><svg onload=alert(1)>',
    ]) {
      expect(await skeletonOf(hostile)).toEqual(benign);
    }
  });

  it('would not run or load anything even if it held it', async () => {
    const page = await open(htmlOf(loadReport()));
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      const image = document.createElement('img');
      const failed = new Promise((resolve) => (image.onerror = resolve));
      image.src = 'https://elsewhere.example/x.png';
      await failed;
      return 'ran' in window;
    });
    expect(ran).toBe(false);
    const refused = complaints.splice(0).filter((line) => line.includes('Content Security Policy'));
    expect(refused).toHaveLength(2);
  });
});
