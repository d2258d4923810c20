#!/usr/bin/env node
// The command line of the load test: what is asked for, and the exit code of what came of it.
import { availableParallelism } from 'node:os';
import { Argument, Command, Option } from 'commander';
import { z } from 'zod';
import { MOST_THREADS, startAgent } from './agent.ts';
import { AgentLinks } from './agent-link.ts';
import { addReportCommands } from './cli/report-commands.ts';
import { makeFolder, writeReport } from './cli/report-files.ts';
import { Terminal, textOf } from './cli/terminal.ts';
import { ipAddress, listed, pid, positive, wholeNumber } from './cli/values.ts';
import { LoadTest, type Elsewhere, type RunOptions } from './run.ts';
import { ReportSchema } from './report/report.ts';
import { BUILT_IN } from './scenario/built-in.ts';
import { readScenario } from './scenario/read-scenario.ts';
import { ScenarioSchema } from './scenario/scenario.ts';
import { isCounted } from './scenario/threshold.ts';
import { targetOf } from './target.ts';

/** Passed; a threshold broke, or a figure is worse than before; it could not begin; the figures cannot be trusted; ended early. */
const EXIT_CODES = { passed: 0, failed: 1, unable: 2, invalid: 3, interrupted: 130 } as const;

interface Flags {
  readonly agents: string[];
  readonly agentKey?: string;
  readonly url: string[];
  readonly secret?: string;
  readonly guests?: boolean;
  readonly rooms?: number;
  readonly listeners?: number;
  readonly people?: number;
  readonly seconds?: number;
  readonly arrivals?: number;
  readonly seed?: number;
  readonly threads: number;
  readonly sourceAddress: string[];
  readonly threshold: string[];
  readonly thresholds: boolean;
  readonly findLimit?: boolean;
  readonly mostLoad: number;
  readonly hubPid: number[];
  readonly watch: boolean;
  readonly drain: number[];
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly keepRooms?: boolean;
  readonly ledgerOnly?: boolean;
  readonly out?: string;
}

const terminal = new Terminal(process.stdout);

async function loadTest(nameOrFile: string, flags: Flags): Promise<void> {
  const whole = await readScenario(nameOrFile, {
    ...flags,
    arrivalsPerSecond: flags.arrivals,
    thresholds: flags.threshold,
    noThresholds: !flags.thresholds,
  });
  const isLedgerOnly = flags.ledgerOnly === true;
  const scenario = isLedgerOnly
    ? { ...whole, thresholds: whole.thresholds.filter(isCounted) }
    : whole;
  const urls = flags.url.length === 0 ? ['http://localhost:8080'] : flags.url;
  const secret = flags.guests === true ? undefined : (flags.secret ?? process.env['TOKEN_SECRET']);
  // A whole run would be lost where it cannot be written.
  if (flags.out !== undefined) await makeFolder(flags.out);
  const elsewhere = await agentsOf(flags);
  const options: RunOptions = {
    scenario,
    targets: urls.map((url) => targetOf(url, { caFile: flags.ca, isInsecure: flags.insecure })),
    secret,
    threads: flags.threads,
    sourceAddresses: flags.sourceAddress,
    hubPids: flags.hubPid,
    isWatching: flags.watch,
    drainPids: flags.drain,
    findLimit: flags.findLimit === true ? { mostLoad: flags.mostLoad } : undefined,
    keepRooms: flags.keepRooms === true,
    isLedgerOnly,
    onSecond: (second, phase) => terminal.second(second, phase),
    say: (line) => terminal.say(line),
  };
  const test = new LoadTest(options, elsewhere);
  let asked = 0;
  process.on('SIGINT', () => {
    asked += 1;
    // Who asks twice does not want to wait for the report.
    if (asked > 1) process.exit(EXIT_CODES.interrupted);
    terminal.say('ending; a report of what was follows');
    test.interrupt();
  });
  const report = await test.run();
  terminal.say(textOf(report));
  if (flags.out !== undefined) {
    await writeReport(flags.out, report);
    terminal.say(`written to ${flags.out}: report.json, report.html, junit.xml`);
  }
  process.exitCode = EXIT_CODES[report.verdict];
}

/** The threads run on the agents, where there are any. */
async function agentsOf({ agents, agentKey, threads }: Flags): Promise<Elsewhere | undefined> {
  if (agents.length === 0) return undefined;
  const key = agentKey ?? process.env['AGENT_KEY'];
  if (key === undefined)
    throw new Error('agents want a key: --agent-key or AGENT_KEY, the same on all machines');
  const all = await Promise.all(agents.map((address) => AgentLinks.connect(address, key, threads)));
  return {
    agents: all.length,
    // Of two agents each may be off.
    clockErrorMs: 2 * Math.max(...all.map(({ clock }) => clock.errorMs)),
    start: (onReport) => all.flatMap((links, at) => links.links(at * threads, threads, onReport)),
  };
}

async function agent(flags: { host: string; port: number; agentKey?: string }): Promise<void> {
  const key = flags.agentKey ?? process.env['AGENT_KEY'] ?? '';
  const { port } = await startAgent({ ...flags, key, say: (line) => terminal.say(line) });
  terminal.say(`agent on ${flags.host}:${port}`);
}

const program = new Command('earshot-loadtest')
  .description(
    'how many rooms and listeners a deployment of Earshot holds, how fast, how well in step, and whether anything was lost',
  )
  .showHelpAfterError()
  // A flag that is not understood is no threshold that broke.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_CODES.unable));

program
  .command('run', { isDefault: true })
  .description(
    `runs a scenario: ${Object.keys(BUILT_IN).join(', ')}, or a file of YAML, JSON or TypeScript`,
  )
  .argument('[scenario]', 'its name or file', 'party')
  .option(
    '-u, --url <addresses>',
    'hubs, by commas; people are spread over them',
    listed(String),
    [],
  )
  .option('--secret <secret>', 'with which the hubs sign tokens; default: TOKEN_SECRET')
  .option('--guests', 'people come as guests, though there is a secret')
  .option('--rooms <n>', 'rooms of the first group', positive)
  .option('--listeners <n>', 'listeners of each of its rooms', positive)
  .option('--people <n>', 'people, where the first group is a feed', positive)
  .option('--seconds <n>', 'length of each measured phase', positive)
  .option('--arrivals <n>', 'people who come in a second, at most', positive)
  .option('--seed <n>', 'of all that is drawn', wholeNumber(0, 0xffffffff))
  .option(
    '-t, --threads <n>',
    'threads of the generator, on each agent where there are any',
    wholeNumber(1, MOST_THREADS),
    Math.max(1, Math.min(8, availableParallelism() - 1)),
  )
  .option(
    '--source-address <addresses>',
    'local addresses to connect from, by commas',
    listed(ipAddress),
    [],
  )
  .option(
    '--threshold <sentence>',
    'one more, as "join p99 <= 1000"',
    (text: string, before: string[]) => [...before, text],
    [],
  )
  .option('--no-thresholds', 'without those of the scenario')
  .option(
    '--agents <addresses>',
    'agents on other machines, host:port by commas: the threads run there',
    listed(String),
    [],
  )
  .option('--agent-key <key>', 'of the agents; default: AGENT_KEY')
  .option('--find-limit', 'search for the highest load that keeps the thresholds')
  .option('--most-load <n>', 'where that search ends', positive, 64)
  .option('--hub-pid <pids>', 'processes of hubs on this machine, to be watched', listed(pid), [])
  .option('--no-watch', 'do not ask the hubs for /metrics each second')
  .option('--drain <pids>', 'processes that a drain ends, one after the other', listed(pid), [])
  .option('--ca <file>', 'certificates to trust, PEM')
  .option('--insecure', 'trust any certificate')
  .option('--keep-rooms', 'leave the rooms open at the end')
  .addOption(
    new Option(
      '--ledger-only',
      'judge what came and what did not, and nothing that was timed: for machines that are busy with other things',
    ),
  )
  .option('-o, --out <folder>', 'write the report there: JSON, a page, and JUnit XML')
  .action(loadTest);

program
  .command('agent')
  .description('takes part in the run of another machine')
  .option('--host <host>', 'address to listen on', '0.0.0.0')
  .option('--port <port>', 'port to listen on', wholeNumber(0, 65_535), 9_090)
  .option(
    '--agent-key <key>',
    'what a leader must know, at least 16 characters; default: AGENT_KEY',
  )
  .action(agent);

program
  .command('scenarios')
  .description('lists those that come along')
  .action(() => {
    for (const { name, description } of Object.values(BUILT_IN)) {
      terminal.say(`${name.padEnd(12)} ${description ?? ''}`);
    }
  });

program
  .command('schema')
  .description('prints the JSON Schema of a scenario or of a report')
  .addArgument(new Argument('<what>').choices(['scenario', 'report']))
  .action((what: 'scenario' | 'report') => {
    const schema =
      what === 'scenario'
        ? z.toJSONSchema(ScenarioSchema, { io: 'input' })
        : z.toJSONSchema(ReportSchema);
    terminal.say(JSON.stringify(schema, null, 2));
  });

addReportCommands(program, terminal, (found) => {
  process.exitCode = { worse: EXIT_CODES.failed, invalid: EXIT_CODES.invalid }[found];
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(EXIT_CODES.unable);
});
