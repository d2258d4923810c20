// Owns where the plots of a run stand in its page, and what stands there without a script: titles, choices, and room for a drawing.
import type { Course, Plot } from './course.ts';
import { markup, type Markup } from './markup.ts';

export function courseSection(
  course: Course,
  silentMetrics: readonly string[],
): Markup | undefined {
  if (course.parts.length === 0) return undefined;
  return markup`<section id="course"><h2>Over time</h2>
<p class="soft measure">Phases that are measured are tinted${course.stalls.length > 0 ? ', stalls are red' : ''}. Drag across a plot to look closer; a double click shows all of it again.</p>
<noscript><p>The plots of this section are drawn by a script.</p></noscript>
${course.parts.map(
  ({ title, plots }) => markup`<h3>${title}</h3>
<div class="plots">${plots.map(plotFigure)}</div>
`,
)}${
    silentMetrics.length === 0
      ? undefined
      : markup`<p class="aside">Zero throughout: ${silentMetrics.join(', ')}.</p>`
  }</section>`;
}

function plotFigure(plot: Plot): Markup {
  const { id, title } = plot;
  const hasNote = plot.choices.some(({ note }) => note !== '');
  return markup`<figure class="plot${plot.hasLogarithm === true ? ' large' : ''}" id="plot-${id}">
<figcaption><div class="plot-head"><h4>${title}</h4>${controls(plot)}</div>
${hasNote ? markup`<p class="note"></p>` : undefined}<ul class="legend"></ul></figcaption>
<div class="drawing" role="img" aria-label="${title} over time"></div>
</figure>
`;
}

function controls({ title, choices, chosen, hasLogarithm }: Plot): Markup | undefined {
  if (choices.length < 2) return undefined;
  const options = choices.map(
    ({ name }, at) =>
      markup`<option${at === chosen ? markup` selected` : undefined}>${name}</option>`,
  );
  return markup`<div class="plot-controls">
<select aria-label="${title}: which one">${options}</select>
${hasLogarithm === true ? markup`<label><input type="checkbox">logarithmic</label>` : undefined}
</div>`;
}
