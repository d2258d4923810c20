// Owns what a page tells of the circumstances: the scenario, the generator and its machine.
import { times, told, toldBytes, toldMoment, toldSeconds, toldShare } from '../numbers.ts';
import type { Report } from '../report.ts';
import { markup, type Markup } from './markup.ts';
import { facts } from './tables.ts';

export function runSection({ machine, hubs, scenario, generator, at, seconds }: Report): Markup {
  const { agents, threads, lateness, busyShareMost, loopDelayP99MsMost, clockErrorMs } = generator;
  const late = lateness.p99Ms === null ? 'nothing was sent' : `${told(lateness.p99Ms)} ms (p99)`;
  return markup`<section id="run"><h2>The run</h2><div class="columns">
<div><h3>Scenario</h3>${facts([
    ['name', scenario.name],
    ['seed', String(scenario.seed)],
    ['began', toldMoment(at)],
    ['lasted', toldSeconds(seconds.at(-1)?.atSeconds ?? 0)],
    [hubs.length === 1 ? 'hub' : 'hubs', hubs.map((hub) => markup`<div>${hub}</div>`)],
  ])}</div>
<div><h3>Generator</h3>${facts([
    ['threads', `${threads}${agents > 0 ? `, on ${times(agents, 'machine')}` : ''}`],
    ['sent acts late by', late],
    ['busiest thread', toldShare(busyShareMost)],
    ['read late by', `${told(loopDelayP99MsMost)} ms (p99 of the worst second)`],
    ['its clocks agree to', agents > 0 ? `${told(clockErrorMs)} ms` : 'one clock'],
  ])}</div>
<div><h3>Machine of the generator</h3>${facts([
    ['processor', `${machine.cpu}, ${times(machine.cores, 'core')}`],
    ['memory', toldBytes(machine.memoryBytes)],
    ['Node', machine.node],
    ['platform', machine.platform],
  ])}</div>
</div></section>`;
}
