// Owns how the pages of reports look, in the colours of the house: paper and ink, a vermilion needle, a green that says "in step".

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f2ede2;
  --sheet: #faf7f0;
  --raised: #fffdf8;
  --ink: #1d1a15;
  --ink-soft: #5d564a;
  --line: #e3dccd;
  --line-strong: #b9ae99;
  --needle: #b02f12;
  --needle-wash: #f6ded3;
  --step: #1f6049;
  --step-wash: #dbe8dc;
  --warn: #7d4a00;
  --warn-wash: #f5e3bd;
  --band: rgb(31 96 73 / 7%);
  --stall: rgb(191 52 21 / 24%);
  --plot-one: #1b67a3;
  --plot-two: #c2410c;
  --plot-three: #23795a;
  --plot-quiet: #8d8471;
  --serif: 'Iowan Old Style', 'Palatino Linotype', Palatino, 'URW Palladio L', 'TeX Gyre Pagella',
    'Source Serif 4', 'Liberation Serif', Georgia, serif;
  --sans: ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans',
    'Liberation Sans', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', 'Roboto Mono', 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161411;
    --sheet: #1e1b17;
    --raised: #27231d;
    --ink: #f0e9db;
    --ink-soft: #b3a996;
    --line: #353028;
    --line-strong: #5f5648;
    --needle: #ff8a68;
    --needle-wash: #43241a;
    --step: #8fd0b0;
    --step-wash: #203329;
    --warn: #f2c36b;
    --warn-wash: #3b2d12;
    --band: rgb(143 208 176 / 7%);
    --stall: rgb(255 122 85 / 28%);
    --plot-one: #79bdf0;
    --plot-two: #ff9468;
    --plot-three: #86cfab;
    --plot-quiet: #8f8470;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 400 0.9375rem / 1.5 var(--sans);
  -webkit-font-smoothing: antialiased;
  overflow-wrap: break-word;
}
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
header { padding-top: 2.5rem; }
footer { padding-top: 1rem; padding-bottom: 3rem; color: var(--ink-soft); font-size: 0.8125rem; }
h1, h2, h3, h4, p, ul, dl, dd, figure, table { margin: 0; padding: 0; }
ul { list-style: none; }
h1, h2, h3 { font-family: var(--serif); font-weight: 600; line-height: 1.15; text-wrap: balance; }
h1 { font-size: clamp(2rem, 6vw, 2.75rem); overflow-wrap: anywhere; }
h2 { font-size: 1.5rem; margin-bottom: 1rem; }
h3 { font-size: 1.125rem; margin: 1.75rem 0 0.75rem; }
h4, .plot-title { font: 600 0.9375rem / 1.5 var(--sans); margin: 0; }
section { padding-top: 3rem; }
a { color: inherit; text-underline-offset: 0.2em; text-decoration-color: var(--line-strong); }
a:hover { text-decoration-color: currentcolor; }
:focus-visible { outline: 2px solid var(--needle); outline-offset: 2px; }
code { font-family: var(--mono); font-size: 0.8125rem; overflow-wrap: anywhere; }
.soft { color: var(--ink-soft); }
.kicker { color: var(--ink-soft); font-size: 0.8125rem; margin-bottom: 0.5rem; }
.lead { font-size: 1.0625rem; max-width: 42rem; color: var(--ink-soft); margin-top: 0.5rem; overflow-wrap: anywhere; }
.measure { max-width: 44rem; }
.measure + .scroll, .measure + .facts, .measure + .curves { margin-top: 1rem; }
.aside { margin-top: 1rem; color: var(--ink-soft); font-size: 0.8125rem; overflow-wrap: anywhere; }

.verdict {
  display: grid;
  grid-template-columns: auto 1fr;
  gap: 0.25rem 1.25rem;
  align-items: baseline;
  margin-top: 1.5rem;
  padding: 1.125rem 1.375rem;
  border-radius: 10px;
  border-left: 4px solid currentcolor;
}
.verdict strong { font: 600 1.5rem / 1.2 var(--serif); }
.verdict p, .verdict li { color: var(--ink); }
.verdict ul { grid-column: 1 / -1; margin-top: 0.375rem; }
.verdict li { padding-left: 1rem; text-indent: -1rem; overflow-wrap: anywhere; }
.verdict li::before { content: '– '; }
.good { color: var(--step); background: var(--step-wash); }
.bad { color: var(--needle); background: var(--needle-wash); }
.doubtful { color: var(--warn); background: var(--warn-wash); }
.neutral { color: var(--ink-soft); background: var(--sheet); }
@media (max-width: 36rem) { .verdict { grid-template-columns: 1fr; } }

.glance {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  gap: 1px;
  margin-top: 1rem;
  border: 1px solid var(--line);
  border-radius: 10px;
  overflow: hidden;
  background: var(--line);
}
.glance > div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: 0.875rem 1.125rem; background: var(--sheet); }
.glance dt { color: var(--ink-soft); font-size: 0.8125rem; }
.glance dd { font: 600 1.5rem / 1.25 var(--serif); font-variant-numeric: lining-nums tabular-nums; white-space: nowrap; }
.glance small { font: 400 0.8125rem var(--sans); color: var(--ink-soft); }

nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 1.25rem; }
nav a { display: inline-block; padding: 0.375rem 0; }

.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--sheet); }
.scroll + .scroll { margin-top: 1rem; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: lining-nums tabular-nums; }
th, td { padding: 0.4375rem 1rem; text-align: left; vertical-align: top; font-weight: 400; }
thead th { color: var(--ink-soft); font-size: 0.8125rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; }
.pad { visibility: hidden; font-style: normal; }
.name { white-space: nowrap; }
.wide { min-width: 16rem; }
.prose { min-width: 15rem; }
.narrow { max-width: 44rem; }
th.wide { position: sticky; left: 0; background: var(--sheet); }
tbody th small, td small { display: block; color: var(--ink-soft); font-size: 0.8125rem; white-space: normal; }
.mark { display: inline-block; padding: 0 0.5rem; border-radius: 6px; font-size: 0.8125rem; font-weight: 600; line-height: 1.5rem; white-space: nowrap; }

.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.5rem 2rem; align-items: start; }
.columns > * { min-width: 0; }
.columns h3:first-child { margin-top: 0; }
* + .columns { margin-top: 1.5rem; }
h2 + .columns { margin-top: 0; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.375rem 1.5rem; }
.facts dt { color: var(--ink-soft); }
.facts dd { overflow-wrap: anywhere; font-variant-numeric: lining-nums tabular-nums; min-width: 0; }
@media (max-width: 36rem) { .facts { grid-template-columns: 1fr; gap: 0 0; } .facts dd { margin-bottom: 0.625rem; } }

details { border: 1px solid var(--line); border-radius: 10px; background: var(--sheet); }
details + details, .scroll + details { margin-top: 0.75rem; }
summary { padding: 0.625rem 1rem; cursor: pointer; font-weight: 600; border-radius: 10px; overflow-wrap: anywhere; }
summary small { font-weight: 400; color: var(--ink-soft); font-size: 0.8125rem; }
@media (max-width: 36rem) {
  th, td { padding-inline: 0.75rem; }
  .wide { min-width: 8rem; }
  .meaning { display: none !important; }
  .large .legend .when { flex-basis: 100%; margin-left: 0; }
}
details > .scroll { border: 0; border-top: 1px solid var(--line); border-radius: 0 0 10px 10px; }

.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.plot { display: flex; flex-direction: column; justify-content: space-between; min-width: 0; padding: 0.875rem 1.125rem 0.75rem; border: 1px solid var(--line); border-radius: 10px; background: var(--sheet); }
.plot.large { grid-column: 1 / -1; }
.plot-head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.375rem 1rem; }
.plot-controls { display: flex; justify-content: flex-end; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; min-width: 0; font-size: 0.8125rem; }
.plot-controls label { display: inline-flex; align-items: center; gap: 0.5rem; min-width: 0; color: var(--ink-soft); }
select, input { font: inherit; color: var(--ink); accent-color: var(--step); }
select { min-width: 0; max-width: 100%; padding: 0.3125rem 0.5rem; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--raised); }
input { width: 1rem; height: 1rem; margin: 0; }
.note { color: var(--ink-soft); font-size: 0.8125rem; min-height: 1.25rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.125rem 0.875rem; margin: 0.25rem 0 0.375rem; color: var(--ink-soft); font-size: 0.8125rem; }
.legend .reading { display: inline-block; min-width: 2rem; color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.legend .when { flex-basis: 100%; min-height: 1.25rem; }
.large .legend .when { flex-basis: auto; margin-left: auto; }
.swatch { display: inline-block; width: 0.75rem; height: 0.1875rem; margin-right: 0.375rem; vertical-align: middle; border-radius: 2px; background: var(--plot-quiet); }
.swatch.one { background: var(--plot-one); }
.swatch.two { background: var(--plot-two); }
.swatch.three { background: var(--plot-three); }
.drawing { height: 180px; }
.large .drawing { height: 280px; }
.drawing .u-select { background: var(--line-strong); opacity: 0.4; }
.drawing .u-cursor-x { border-right: 1px solid var(--line-strong); }

.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.curves svg { display: block; width: 100%; height: auto; }
svg text { font: 11px var(--sans); fill: var(--ink-soft); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); }
svg .curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
svg .one { stroke: var(--plot-one); }
svg .two { stroke: var(--plot-two); }
svg .three { stroke: var(--plot-three); }
svg .quiet { stroke: var(--plot-quiet); }
svg .dashed { stroke-dasharray: 5 4; }

.fault { margin-top: 0.75rem; padding: 0.875rem 1.125rem; border: 1px solid var(--line); border-left: 4px solid var(--needle); border-radius: 10px; background: var(--sheet); }
.fault h4 { overflow-wrap: anywhere; }
.fault ul { margin-top: 0.5rem; display: grid; gap: 0.25rem; }

@media print {
  body { background: none; }
  nav, .plot-controls { display: none; }
  .plot, .scroll, .fault { break-inside: avoid; }
}
`;
