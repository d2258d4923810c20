// The page of a run as text: that it tells all that the report does, loads nothing, and takes nothing in a report for markup.
import { describe, expect, it } from 'vitest';
import { htmlOf } from '../../loadtest/report/html.ts';
import { ReportSchema, type Report } from '../../loadtest/report/report.ts';
import { badReport, latencyOf, limitReport, loadReport } from '../support/load-report.ts';

/** All strings of a value, and the names in it, become the hostile one; numbers and what has a fixed choice stay. */
function poisoned<T>(value: T, hostile: string): T {
  if (typeof value === 'string') return hostile as T;
  if (Array.isArray(value)) return value.map((each: unknown) => poisoned(each, hostile)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) => [name, poisoned(each, hostile)]),
  ) as T;
}

/** Of a report that passed through the hands of others: every text in it, and every name that is not the schema's own. */
function hostileReport(base: Report, hostile: string): Report {
  const { version, verdict, limit } = base;
  const report = poisoned(base, hostile);
  return ReportSchema.parse({
    ...report,
    ...{ version, verdict },
    limit: limit && {
      ...poisoned(limit, hostile),
      trials: limit.trials.map((trial) => ({ ...trial, broken: [hostile] })),
    },
    latencies: { [hostile]: latencyOf(3), join: latencyOf(4) },
    curves: { [hostile]: [[50, 3]], join: [[50, 3]] },
    sent: { [hostile]: 1 },
    counts: { ...base.counts, ended: { [hostile]: 1 }, refused: { [hostile]: 1 } },
    phases: base.phases.map((phase) => ({
      ...phase,
      ...{ name: hostile, latencies: { [hostile]: latencyOf(3) } },
    })),
    seconds: base.seconds.map((second) => ({ ...second, latencies: { [hostile]: [1, 2, 3] } })),
    hubSeconds: base.hubSeconds.map((second, at) => ({
      ...second,
      metrics: { [hostile]: at, [`${hostile} zero`]: 0 },
    })),
  });
}

/** The page less what it carries for itself: styles, scripts, and the data of the plots. */
function markupOf(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<script[^>]*>.*?<\/script>/gs, '')
    .replace(/ content="default-src[^"]*"/, '');
}

function countOf(text: string, part: RegExp): number {
  return text.match(part)?.length ?? 0;
}

describe('the reports that these tests are made of', () => {
  it('are reports', () => {
    for (const report of [loadReport(), badReport(), limitReport()]) {
      expect(ReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    }
  });
});

describe('the page of a run', () => {
  it('tells the verdict, the thresholds and their values, and the circumstances', () => {
    const text = markupOf(htmlOf(loadReport()));
    for (const told of [
      ...['Passed', 'All 2 thresholds kept.', 'command.last p99 &lt;= 250', '35 ms'],
      ...['http://hub.example:8080', 'A processor, 4 cores', 'v20.19.0', 'rooms of five friends'],
      ...['Every number was accounted for', 'Latencies of phase 2, steady', '2026-03-01 20:15:00'],
    ]) {
      expect(text).toContain(told);
    }
    expect(text).not.toContain('id="limit"');
  });

  it('tells each thing that went wrong: what, how often, what it means, and where', () => {
    const text = markupOf(htmlOf(badReport()));
    for (const told of [
      ...['3 of 3 thresholds not kept', '612 ms', 'not measured', 'chat missing, 7 times'],
      ...['never came by itself', 'room 3, Listener 12: 41 after 33', '2.30 s'],
      ...['playback.seek conflict', '4008 too slow', 'stalls are red'],
    ]) {
      expect(text).toContain(told);
    }
  });

  it('tells why it cannot be believed', () => {
    const reasons = ['a thread of the generator was busy'];
    const text = markupOf(htmlOf(loadReport({ verdict: 'invalid', reasons })));
    expect(text).toContain('Invalid');
    expect(text).toContain('a thread of the generator was busy');
  });

  it('tells of a search what held, what broke, and what gave way', () => {
    const text = markupOf(htmlOf(limitReport()));
    for (const told of ['Limit found', 'It holds load 1, 100 people', 'held', 'broke']) {
      expect(text).toContain(told);
    }
    expect(text).toContain('command.last p99 &lt;= 250 (was 612)');
    // Its phases are the trials: those of the scenario would stand beside figures that are not theirs.
    expect(text).not.toContain('id="phases"');
  });

  it('does not take the generator’s own limit for the hub’s', () => {
    const limit = limitReport().limit!;
    const trials = limit.trials.map((trial) =>
      trial.load === 2 ? { ...trial, verdict: 'invalid' as const } : trial,
    );
    const text = markupOf(htmlOf(limitReport({ limit: { ...limit, trials } })));
    expect(text).toContain('The generator gave way');
    expect(text).toContain('the hub may hold more');
  });

  it('says so where nothing held', () => {
    const limit = { ...limitReport().limit!, load: 0, brokeAt: 0.02, trials: [] };
    expect(markupOf(htmlOf(limitReport({ limit })))).toContain('Nothing held');
  });

  it('loads nothing and sends nothing: no address in it is anybody else’s to answer', () => {
    const page = htmlOf(badReport());
    const text = markupOf(page);
    expect(text).not.toMatch(/\s(?:src|action|formaction|data|poster|srcset)=/);
    expect([...text.matchAll(/href="([^"]*)"/g)].map(([, to]) => to)).toSatisfy((all: string[]) =>
      all.every((to) => to.startsWith('#') || to === 'data:,'),
    );
    expect(page).not.toMatch(/@import|url\(/);
    expect(page).toContain(`content="default-src &#39;none&#39;; `);
  });

  it('carries the licence of the library that draws the plots', () => {
    expect(htmlOf(loadReport())).toContain('Copyright (c) 2022 Leon Sorokin');
  });

  it('holds of what was measured nothing but what there is', () => {
    const empty = loadReport({
      ...{ thresholds: [], latencies: {}, curves: {}, sent: {}, phases: [] },
      ...{ seconds: [], hubSeconds: [] },
    });
    const text = markupOf(htmlOf(empty));
    expect(text).toContain('There were no thresholds.');
    expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
    for (const id of ['thresholds', 'course', 'percentiles', 'latencies', 'phases']) {
      expect(text).not.toContain(`id="${id}"`);
    }
  });

  it('writes no figure that is none, whatever is missing', () => {
    const unmeasured = {
      ...latencyOf(1),
      ...{ count: 0, minMs: null, meanMs: null, p50Ms: null, p90Ms: null },
      ...{ p95Ms: null, p99Ms: null, p999Ms: null, maxMs: null },
    };
    const one = { ...latencyOf(1), count: 1 };
    const report = loadReport({
      latencies: { join: unmeasured, connect: one, probe: latencyOf(0) },
      curves: { join: [], connect: [[50, 1]], probe: [[0, 0]] },
      inStep: { samples: 0, elsewhere: 0, unready: 0, contradictions: 0, truthWidthMs: 0 },
      hubSeconds: [{ atSeconds: 1, metrics: {} }],
    });
    expect(markupOf(htmlOf(report))).not.toMatch(/NaN|Infinity|undefined|null/);
  });
});

describe('what stands in a report', () => {
  const benign = 'benign';
  // Without these there is no element, no attribute, and no end of one.
  const shapes = [/</g, />/g, /"/g];

  it.each([
    '</script><script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    '--><svg onload=alert(1)><!--',
    '</title></style></textarea><iframe srcdoc="x">',
    '<!--<script>',
    '\u2028\u2029\u0000]]>',
    '${alert(1)}`',
    '&lt;b&gt;',
  ])('is never markup, wherever it stands: %j', (hostile) => {
    for (const base of [badReport({ reasons: ['why'] }), limitReport()]) {
      const page = htmlOf(hostileReport(base, hostile));
      const like = htmlOf(hostileReport(base, benign));
      for (const shape of shapes) {
        expect(countOf(markupOf(page), shape), String(shape)).toBe(countOf(markupOf(like), shape));
      }
      expect(countOf(page, /<\/?script/gi)).toBe(countOf(like, /<\/?script/gi));
      expect(countOf(page, /<!--/g)).toBe(countOf(like, /<!--/g));
    }
  });

  it('reaches the plots as it was', () => {
    const hostile = '</script><!-- "quoted" ';
    const page = htmlOf(hostileReport(badReport(), hostile));
    const data = /<script type="application\/json" id="course-data">(.*?)<\/script>/s.exec(page);
    const course = JSON.parse(data?.[1] ?? '') as { bands: { name: string }[] };
    expect(course.bands[0]?.name).toBe(hostile);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'may have a name that every object knows: %s',
    (name) => {
      const named = JSON.parse(`{ "${name}": 1 }`) as Record<string, number>;
      const report = loadReport({
        sent: named,
        counts: { ...loadReport().counts, ended: named, refused: named },
        hubSeconds: [
          { atSeconds: 1, metrics: named },
          { atSeconds: 2, metrics: {} },
        ],
      });
      expect(markupOf(htmlOf(report))).not.toMatch(/function|native code|\[object/);
    },
  );
});
