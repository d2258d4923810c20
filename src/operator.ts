#!/usr/bin/env node
// The command line of operators: what the service is at, and what they do about it, over REST with an operator's token.
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NameSchema } from '../protocol/schemas/primitives.ts';
import { readConfig } from './config.ts';
import { OperatorCalls, Refused, type ListedRoom } from './operator-calls.ts';
import { table } from './operator-table.ts';
import { signOperatorToken, type OperatorTokenTerms } from './operator-token.ts';

/** It was refused, or could not be asked. */
const FAILED = 1;
const MAX_HOURS = 24;
const TERMS: OperatorTokenTerms = { name: 'operator', hours: 1 };

interface Common {
  readonly url: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

// An empty value counts as none, as it does in the configuration: commander takes it for one.
for (const [key, value] of Object.entries(process.env))
  if (value?.trim() === '') Reflect.deleteProperty(process.env, key);

const program = new Command('earshot-operator')
  .description('Looks after a running Earshot.')
  .addOption(new Option('--url <url>', 'where it is reached').env('EARSHOT_URL').default(urlHere()))
  .addOption(
    new Option('--token <token>', 'a token with the role of an operator')
      .env('OPERATOR_TOKEN')
      .hideHelp(),
  )
  .addOption(
    new Option(
      '--token-file <file>',
      'a file with a token of an operator; or OPERATOR_TOKEN; without, one is made of TOKEN_SECRET',
    ).env('OPERATOR_TOKEN_FILE'),
  )
  .option('--json', 'what was answered, as it is');

async function calls(): Promise<OperatorCalls> {
  const { url, token, tokenFile } = program.opts<Common>();
  const given = tokenFile === undefined ? token : (await readFile(tokenFile, 'utf8')).trim();
  if (given !== undefined && given !== '') return new OperatorCalls(url, given);
  // Within a node's container its secret is there, and who can read that needs nobody to give them a token.
  const config = tokenFile === undefined ? readConfig(process.env, 'tend') : undefined;
  if (config?.tokenSecret === undefined)
    throw new Refused('no token: set OPERATOR_TOKEN, or --token-file');
  return new OperatorCalls(url, await signOperatorToken(config, TERMS));
}

/** @param human what a person reads instead of JSON */
function say(answer: unknown, human: () => string): void {
  const { json } = program.opts<Common>();
  process.stdout.write(`${json === true ? JSON.stringify(answer) : human()}\n`);
}

program
  .command('token')
  .description('makes a token of an operator, signed with TOKEN_SECRET (or TOKEN_SECRET_FILE)')
  .option('--hours <n>', `how long it holds, at most ${MAX_HOURS}`, fewHours, TERMS.hours)
  .option(
    '--user <name>',
    'whose it is: their id, in the log, is made of it',
    shownName,
    TERMS.name,
  )
  .action(async ({ hours, user }: { readonly hours: number; readonly user: string }) => {
    const token = await signOperatorToken(readConfig(process.env, 'tend'), { name: user, hours });
    say({ token }, () => token);
  });

program
  .command('nodes')
  .description('all nodes: their machines and releases, people, rooms, whether they are ready')
  .action(async () => {
    const { nodes, missing } = await (await calls()).nodes();
    say({ nodes, missing }, () =>
      table(
        ['node', 'host', 'worker', 'release', 'up since', 'sockets', 'rooms', 'state'],
        [
          ...nodes.map((node) => [
            node.id,
            // One of an older release tells neither this nor which that is.
            node.host ?? '',
            node.worker ?? '',
            node.release ?? '',
            new Date(node.startedAt).toISOString(),
            node.connections,
            node.rooms,
            [
              ...(node.isReady ? ['ready'] : node.reasons),
              ...node.away.map((each) => `${each} is away`),
            ].join(', '),
          ]),
          ...missing.map((id) => [id, '', '', '', '', '', '', 'does not answer']),
        ],
      ),
    );
  });

program
  .command('drain')
  .description('sends the people of a node elsewhere; it takes nobody until it is started again')
  .argument('<node>', 'its id, as `nodes` lists it')
  .option('--within <ms>', 'how long they have; default: as when it is stopped', wholeNumber)
  .option('--wait', 'until nobody is left on it')
  .action(async (node: string, flags: { readonly within?: number; readonly wait?: boolean }) => {
    const operator = await calls();
    let report = await operator.drain(node, flags.within);
    while (flags.wait === true && report.connections > 0) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { nodes, missing } = await operator.nodes();
      const found = nodes.find(({ id }) => id === node);
      // One that is slow to answer is full of people still; one that is gone has none.
      if (found === undefined && !missing.includes(node)) break;
      report = found ?? report;
    }
    say(report, () => `${node} drains: ${report.connections} sockets are left`);
  });

program
  .command('rooms')
  .description('rooms in use, the fullest first')
  .option('--limit <n>', 'at most so many', wholeNumber, 50)
  .action(async ({ limit }: { readonly limit: number }) => {
    const answer = await (await calls()).rooms(limit);
    say(answer, () =>
      [
        roomTable(answer.rooms),
        ...(answer.total > answer.rooms.length ? [`${answer.total} in all`] : []),
        ...answer.missing.map((id) => `${id} does not answer`),
      ].join('\n'),
    );
  });

program
  .command('room')
  .description('who is in a room: their ids, by which they are banned, exported or revoked')
  .argument('<room>', 'its id or code')
  .action(async (room: string) => {
    const answer = await (await calls()).room(room);
    say(answer, () =>
      [
        roomTable([answer]),
        ...(answer.isClosed ? ['it is closed'] : []),
        '',
        table(
          ['person', 'role', 'presence', 'name'],
          answer.members.map(({ id, role, isHere, name }) => [
            id,
            role,
            isHere ? 'here' : 'away',
            name,
          ]),
        ),
      ].join('\n'),
    );
  });

program
  .command('close')
  .description('closes a room for good')
  .argument('<room>', 'its id or code')
  .action(async (room: string) => {
    await (await calls()).closeRoom(room);
    say({ closed: room }, () => `${room} is closed`);
  });

program
  .command('ban')
  .description('lets a person go, and keeps them out until it is lifted')
  .argument('<user>', 'their id')
  .option('--until <time>', 'by the clock on the wall, as 2027-01-31T12:00Z', moment)
  .option('--reason <text>', 'for operators alone')
  .action(async (userId: string, { until, reason }: { until?: number; reason?: string }) => {
    const revocation = await (
      await calls()
    ).revoke({ userId, ban: true, expiresAt: until, reason });
    say(revocation, () => `${userId} is banned; \`unban ${userId}\` lifts it`);
  });

program
  .command('unban')
  .description('lets a person come again')
  .argument('<user>', 'their id')
  .action(async (userId: string) => {
    const operator = await calls();
    const ban = (await operator.revocations()).find(
      (each) => each.kind === 'ban' && each.userId === userId,
    );
    if (ban === undefined) throw new Refused(`${userId} is not banned`);
    await operator.lift(ban.id);
    say({ lifted: ban.id }, () => `${userId} may come again`);
  });

program
  .command('revoke')
  .description(
    'takes back a token by its jti, or all tokens of a person that were made until now, or seconds later',
  )
  .addOption(new Option('--token-id <jti>', 'the token').conflicts('user'))
  .option('--user <user>', 'the id of the person')
  .option('--expires <time>', 'when the last such token ends', moment)
  .option('--reason <text>', 'for operators alone')
  .action(async (flags: { tokenId?: string; user?: string; expires?: number; reason?: string }) => {
    const { tokenId, user, expires: expiresAt, reason } = flags;
    if (tokenId === undefined && user === undefined) throw new Refused('name --token-id or --user');
    const whom = tokenId === undefined ? { userId: user } : { tokenId };
    const revocation = await (await calls()).revoke({ ...whom, expiresAt, reason });
    say(revocation, () => `revoked; \`lift ${revocation.id}\` takes it back`);
  });

program
  .command('revocations')
  .description('what is revoked now')
  .action(async () => {
    const all = await (await calls()).revocations();
    say(all, () =>
      table(
        ['id', 'what', 'whom', 'until', 'reason'],
        all.map(({ id, kind, tokenId, userId, endsAt, reason }) => [
          id,
          kind,
          tokenId ?? userId ?? '',
          endsAt === undefined ? 'lifted' : new Date(endsAt).toISOString(),
          reason ?? '',
        ]),
      ),
    );
  });

program
  .command('backup')
  .description('makes a backup of the embedded database into its BACKUP_DIR, while it runs')
  .action(async () => {
    const backup = await (await calls()).backUp();
    const megabytes = (backup.bytes / 1e6).toFixed(1);
    say(backup, () => `${backup.name}: ${megabytes} MB, in ${backup.tookMs} ms`);
  });

program
  .command('lift')
  .description('takes back what was revoked')
  .argument('<id>', 'as `revocations` lists it')
  .action(async (id: string) => {
    await (await calls()).lift(id);
    say({ lifted: id }, () => 'lifted');
  });

program
  .command('export')
  .description('all that is kept of a person, as one JSON document')
  .argument('<user>', 'their id')
  .option('--out <file>', 'where it goes instead of standard output; must not exist')
  .action(async (userId: string, { out }: { readonly out?: string }) => {
    const operator = await calls();
    if (out === undefined) {
      await pipeline(operator.dataOf(userId), process.stdout, { end: false });
      return;
    }
    // It is about one person: nobody else on this machine reads it.
    await pipeline(operator.dataOf(userId), createWriteStream(out, { flags: 'wx', mode: 0o600 }));
    say({ written: out }, () => `written to ${out}`);
  });

function roomTable(rooms: readonly ListedRoom[]): string {
  return table(
    ['code', 'people', 'visibility', 'name', 'room'],
    rooms.map(({ code, hereCount, visibility, name, id }) => [
      code,
      hereCount,
      visibility,
      name,
      id,
    ]),
  );
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('is no whole number');
  return Number(text);
}

function fewHours(text: string): number {
  const count = wholeNumber(text);
  if (count < 1 || count > MAX_HOURS)
    throw new InvalidArgumentError(`is not from 1 to ${MAX_HOURS}`);
  return count;
}

function shownName(text: string): string {
  const parsed = NameSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'is no name');
}

/** Of the process beside this one, where it has the same environment, as in a container. */
function urlHere(): string {
  const { HOST = '', PORT = '', TLS_CERT_FILE = '' } = process.env;
  const isAnywhere = ['', '0.0.0.0', '::'].includes(HOST);
  const host = HOST.includes(':') ? `[${HOST}]` : HOST;
  const scheme = TLS_CERT_FILE === '' ? 'http' : 'https';
  return `${scheme}://${isAnywhere ? 'localhost' : host}:${PORT === '' ? '8080' : PORT}`;
}

function moment(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('is no time such as 2027-01-31T12:00Z');
  return ms;
}

try {
  await program.parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`earshot-operator: ${message}\n`);
  process.exitCode = FAILED;
}
