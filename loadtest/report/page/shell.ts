// Owns what makes a page of the parts: one file that loads nothing, whose policy lets nothing run but its own two scripts.
import { createHash } from 'node:crypto';
import { told } from '../numbers.ts';
import type { Course } from './course.ts';
import { drawPlots } from './draw-plots.ts';
import { Markup, markup, scriptJson } from './markup.ts';
import { STYLE } from './style.ts';
import { readUplot } from './uplot-files.ts';

export interface PageParts {
  readonly title: string;
  readonly body: Markup;
  /** Undefined where the page draws no plots. */
  readonly course?: Course | undefined;
}

export function pageOf({ title, body, course }: PageParts): string {
  const uplot = course === undefined ? undefined : readUplot();
  const scripts =
    uplot === undefined
      ? []
      : [
          `/*!\n${uplot.licence}\n*/\n${uplot.script}`,
          `(${String(drawPlots)})({uPlot,told:${String(told)},course:JSON.parse(document.getElementById('course-data').textContent)});`,
        ];
  const styles = [...(uplot === undefined ? [] : [uplot.style]), STYLE];
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(scripts, styles)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
${styles.map((text) => markup`<style>${new Markup(text)}</style>\n`)}</head>
<body>
${body}
${course === undefined ? undefined : markup`<script type="application/json" id="course-data">${new Markup(scriptJson(course))}</script>`}
${scripts.map((text) => markup`<script>${new Markup(text)}</script>\n`)}</body>
</html>
`.toString();
}

function policyOf(scripts: readonly string[], styles: readonly string[]): string {
  const hashes = (texts: readonly string[]): string =>
    texts.length === 0
      ? "'none'"
      : texts
          .map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
          .join(' ');
  return [
    "default-src 'none'",
    'img-src data:',
    `script-src ${hashes(scripts)}`,
    `style-src ${hashes(styles)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
