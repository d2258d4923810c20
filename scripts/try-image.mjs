// Performs the steps of the Dockerfile in plain folders, or with `--debian DIR` in copies of a real Debian root, and starts what comes out
// as the image would: its command, its environment, its user. Says what each part of the image weighs.
// `npm run try:image [-- --debian DIR]`; a root is made with `mmdebstrap --variant=minbase trixie DIR`, and entering it needs root rights.
// `--built` takes the dist/ that is here instead of building it once more.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { nodeOfMajor } from './node-of-major.mjs';

const NODE_MAJOR = 24;
const PATIENCE_MS = 60_000;
/** Whose only product is dist/. */
const BUILD_STAGE = 'build';
const isRoot = process.getuid?.() === 0;
const { values: options } = parseArgs({
  options: {
    debian: { type: 'string' },
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const debian = options.debian === undefined ? undefined : path.resolve(options.debian);

function say(line) {
  process.stdout.write(`${line}\n`);
}

/** One line for what a person can mend. */
class Problem extends Error {}

/** [instruction, flags, rest] of each line, comments and continuations taken away. */
function instructionsOf(text) {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ');
  return joined.split('\n').flatMap((line) => {
    const match = /^\s*([A-Za-z]+)\s+((?:--\S+\s+)*)(.*)$/.exec(line);
    if (match === null) return [];
    const flags = Object.fromEntries(
      [...match[2].matchAll(/--([\w-]+)(?:=(\S+))?/g)].map(([, key, value]) => [key, value]),
    );
    return [{ word: match[1].toUpperCase(), flags, rest: match[3].trim(), line: line.trim() }];
  });
}

/** The folder of npm itself, which the image of Node brings along. */
function findNpm() {
  const { stdout } = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' });
  const folder = path.join(stdout.trim(), 'npm');
  if (!existsSync(folder)) throw new Problem('npm is not where `npm root --global` says');
  return folder;
}

const work = mkdtempSync(path.join(tmpdir(), 'earshot-image-'));
// The image's own user looks into it.
chmodSync(work, 0o755);
const context = path.resolve('.');
const ignore = ignoredBy(readFileSync('.dockerignore', 'utf8'));
const node = nodeOfMajor(NODE_MAJOR);

/** Whether .dockerignore leaves a path out: the last line that matches decides. */
function ignoredBy(text) {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const isKept = line.startsWith('!');
      const pattern = (isKept ? line.slice(1) : line)
        .replaceAll('.', '\\.')
        .replaceAll(/\*\*\/?|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
      return { isKept, regex: new RegExp(`^${pattern}(?:/|$)`) };
    });
  return (file) =>
    rules.reduce((left, { isKept, regex }) => (regex.test(file) ? !isKept : left), false);
}

/** With owners, links and devices as they are. */
function copyWhole(from, to) {
  const { status, stderr } = spawnSync('cp', ['-a', '--reflink=auto', from, to], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Problem(stderr);
}

/** A folder with what the image it begins with has, as far as the steps need it. */
function baseOf(image, root) {
  if (debian !== undefined) {
    copyWhole(debian, root);
    for (const file of ['/etc/resolv.conf', '/etc/hosts'])
      if (existsSync(file)) copyFileSync(file, path.join(root, file));
  }
  const bin = path.join(root, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  if (!image.startsWith('node:')) return;
  if (!image.startsWith(`node:${NODE_MAJOR}-`))
    throw new Problem(`${image} is not Node ${NODE_MAJOR}`);
  copyFileSync(node, path.join(bin, 'node'));
  if (debian === undefined) return;
  const npm = path.join(root, 'usr/local/lib/node_modules/npm');
  cpSync(findNpm(), npm, { recursive: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(bin, name));
}

/** The environment in which a step of the build runs: this machine's own way to the registry, and no more. */
function buildEnvironment(stage) {
  const kept = Object.entries(process.env).filter(([key]) =>
    /^(?:npm_config_\w+|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(key),
  );
  const env = { ...Object.fromEntries(kept), ...stage.env };
  if (debian === undefined)
    return {
      ...env,
      HOME: process.env.HOME,
      PATH: `${stage.root}/usr/local/bin:${process.env.PATH}`,
    };
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
  const inside = { ...env, HOME: '/root', PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' };
  if (env.NODE_EXTRA_CA_CERTS !== undefined) {
    copyFileSync(env.NODE_EXTRA_CA_CERTS, path.join(stage.root, 'tmp/ca.pem'));
    inside.NODE_EXTRA_CA_CERTS = '/tmp/ca.pem';
  }
  return { ...inside, npm_config_registry: stdout.trim(), npm_config_update_notifier: 'false' };
}

/** Without root rights nothing can be given to another user: the same, owned by this one. */
function forThisUser(command) {
  return isRoot ? command : command.replaceAll(/^install -d -o \d+ -g \d+/g, 'install -d');
}

function run(stage, command) {
  const inside = debian === undefined ? [] : ['chroot', stage.root];
  const script = debian === undefined ? forThisUser(command) : `cd ${stage.cwd} && ${command}`;
  const [file, ...args] = [...inside, '/bin/sh', '-c', script];
  const result = spawnSync(file, args, {
    cwd: debian === undefined ? stage.root + stage.cwd : '/',
    env: buildEnvironment(stage),
    encoding: 'utf8',
    maxBuffer: 64e6,
  });
  if (result.status !== 0)
    throw new Problem(
      `RUN ${command}\n${result.stdout ?? ''}${result.stderr ?? result.error ?? ''}`,
    );
  return result.stdout.trim().split('\n').at(-1) ?? '';
}

function copy(stages, stage, { flags, rest }) {
  const words = rest.split(/\s+/);
  const target = words.pop();
  const into = path.join(stage.root, path.posix.resolve(stage.cwd, target));
  const from = flags.from === undefined ? undefined : stages.get(flags.from);
  if (flags.from !== undefined && from === undefined) throw new Problem(`no stage ${flags.from}`);
  for (const word of words) {
    const source = path.join(from?.root ?? context, word);
    // What is left out is not there for a build: what names it fails.
    if (!existsSync(source) || (from === undefined && ignore(word)))
      throw new Problem(`COPY ${word}: it is not there, or .dockerignore leaves it out`);
    const isFolder = lstatSync(source).isDirectory();
    const to = target.endsWith('/') && !isFolder ? path.join(into, path.basename(word)) : into;
    mkdirSync(path.dirname(to), { recursive: true });
    cpSync(source, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => from !== undefined || !ignore(path.relative(context, file)),
    });
  }
}

/** Performs every stage. @returns the last one, as an image: its root and what it is started with */
function build() {
  const stages = new Map();
  let stage;
  for (const step of instructionsOf(readFileSync('Dockerfile', 'utf8'))) {
    const { word, rest, line } = step;
    if (word === 'FROM') {
      const [image, , name = String(stages.size)] = rest.split(/\s+/);
      const base = stages.get(image);
      const root = path.join(work, name);
      stage = { root, cwd: '/', env: { ...base?.env }, user: base?.user ?? '0:0', volumes: [] };
      if (base === undefined) baseOf(image, root);
      else copyWhole(base.root, root);
      stages.set(name, stage);
    } else if (word === 'WORKDIR') {
      stage.cwd = path.posix.resolve(stage.cwd, rest);
      mkdirSync(stage.root + stage.cwd, { recursive: true });
    } else if (word === 'COPY') {
      copy(stages, stage, step);
    } else if (word === 'RUN') {
      const began = performance.now();
      const isTaken = options.built && stage === stages.get(BUILD_STAGE);
      if (isTaken) cpSync('dist', path.join(stage.root, stage.cwd, 'dist'), { recursive: true });
      const told = isTaken ? '(not done: the dist/ of this checkout)' : run(stage, rest);
      say(`${((performance.now() - began) / 1e3).toFixed(1).padStart(6)} s  ${rest}  ${told}`);
    } else if (word === 'ENV') {
      for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[key] = value;
    } else if (word === 'USER') stage.user = rest;
    else if (word === 'VOLUME') stage.volumes.push(rest);
    else if (word === 'CMD') stage.command = JSON.parse(rest);
    else if (word === 'STOPSIGNAL') stage.signal = rest;
    else if (word === 'HEALTHCHECK') stage.health = JSON.parse(/CMD\s+(\[.*)$/.exec(rest)[1]);
    else if (!['EXPOSE', 'LABEL'].includes(word))
      throw new Problem(`this script cannot do: ${line}`);
  }
  return stage;
}

function sizeOf(file) {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(file).reduce((sum, name) => sum + sizeOf(path.join(file, name)), 0);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1).padStart(6)} MB`;

function weigh(image) {
  const app = image.root + image.cwd;
  const parts = [
    ['node', path.join(image.root, 'usr/local/bin/node')],
    ['node_modules', path.join(app, 'node_modules')],
    ['  of it PGlite', path.join(app, 'node_modules/@electric-sql')],
    ['  of it uWebSockets.js', path.join(app, 'node_modules/uWebSockets.js')],
    ['dist: hub, SDK, protocol, migrations', path.join(app, 'dist')],
    ['  of it the page', path.join(app, 'dist/web')],
    ['  of it the load test', path.join(app, 'dist/loadtest')],
  ].map(([name, file]) => [name, sizeOf(file)]);
  const system = debian === undefined ? 0 : sizeOf(debian);
  if (system > 0) parts.unshift(['Debian', system]);
  for (const [name, size] of parts) say(`${megabytes(size)}  ${name}`);
  const whole = parts
    .filter(([name]) => !name.startsWith(' '))
    .reduce((sum, [, size]) => sum + size, 0);
  say(`${megabytes(whole)}  ${system > 0 ? 'in all' : 'in all, on top of debian:trixie-slim'}`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** What of the image another user than its own could not have made, or its own could change. */
function seeOwners(image) {
  const [uid] = image.user.split(':').map(Number);
  if (!(uid > 0)) throw new Problem(`the image runs as ${image.user}`);
  const wrong = [];
  const walk = (file) => {
    const stats = lstatSync(file);
    const isOwn = image.volumes.includes(file.slice(image.root.length));
    if (!isOwn && !stats.isSymbolicLink() && (stats.uid === uid || (stats.mode & 0o002) !== 0))
      wrong.push(file.slice(image.root.length));
    if (isOwn && stats.uid !== uid) wrong.push(file.slice(image.root.length));
    if (stats.isDirectory() && !isOwn)
      for (const name of readdirSync(file)) walk(path.join(file, name));
  };
  walk(image.root + image.cwd);
  if (wrong.length > 0)
    throw new Problem(`not as it should be owned: ${wrong.slice(0, 5).join(', ')}`);
}

/**
 * In a Debian root: as the first process of a PID namespace, on a root that cannot be written, with a tmpfs on /tmp and on the volumes.
 * "$@" is what is started, inside of the root $0.
 */
const CONTAINED = [
  'set -e',
  'mount --bind "$0" "$0"',
  'mount -t proc proc "$0/proc"',
  'mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"',
  'for volume in $VOLUMES; do mount -t tmpfs -o "$OWNER" tmpfs "$0$volume"; done',
  'mount -o remount,bind,ro "$0"',
  'unset VOLUMES OWNER',
  'exec chroot "$0" "$@"',
].join('\n');

function start(image, env) {
  const [uid, gid] = image.user.split(':');
  const asUser = isRoot
    ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs']
    : [];
  const stdio = ['ignore', 'pipe', 'pipe'];
  if (debian === undefined) {
    const [file, ...args] = [...asUser, ...image.command];
    return spawn(file, args, { cwd: image.root + image.cwd, env, stdio });
  }
  const inside = [...asUser, 'env', '-C', image.cwd, ...image.command];
  const args = ['--mount', '--pid', '--fork', 'sh', '-c', CONTAINED, image.root, ...inside];
  const mounts = { VOLUMES: image.volumes.join(' '), OWNER: `uid=${uid},gid=${gid},mode=750` };
  return spawn('unshare', args, { env: { ...env, ...mounts }, stdio });
}

async function until(what, test) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await test().catch((error) => (error instanceof Problem ? error : undefined));
    if (answer instanceof Problem) throw answer;
    if (answer !== undefined) return answer;
    if (performance.now() > deadline)
      throw new Problem(`${what}: not within ${PATIENCE_MS / 1e3} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function tryOut(image) {
  const port = await freePort();
  const temporary = mkdtempSync(path.join(tmpdir(), 'earshot-tmp-'));
  const [uid, gid] = image.user.split(':').map(Number);
  if (isRoot) chownSync(temporary, uid, gid);
  const env = {
    ...image.env,
    HOME: '/',
    PORT: String(port),
    // What production does not leave to a default.
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    DRAIN_MS: '200',
    PATH:
      debian === undefined
        ? `${image.root}/usr/local/bin:${process.env.PATH}`
        : '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // Where an engine mounts a tmpfs.
    ...(debian === undefined && { TMPDIR: temporary }),
  };
  const child = start(image, env);
  let told = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk) => (told += chunk.toString()));
  let status;
  child.once('exit', (code, signal) => (status = code ?? signal));
  child.once('error', (error) => (told += error.message));
  const url = `http://127.0.0.1:${port}`;
  try {
    const asked = (target) =>
      until(target, async () => {
        if (status !== undefined) throw new Problem('it ended');
        const answer = await fetch(url + target, { signal: AbortSignal.timeout(5_000) });
        return answer.ok ? answer.json() : undefined;
      });
    say(`/healthz ${JSON.stringify(await asked('/healthz'))}`);
    say(`/readyz ${JSON.stringify(await asked('/readyz'))}`);
    const page = await fetch(url);
    if (!page.ok || !(await page.text()).includes('<script'))
      throw new Problem('no page is served');
    const inImage = path.join(image.root, 'usr/local/bin/node');
    const cwd = image.root + image.cwd;
    const health = spawnSync(inImage, image.health.slice(1), { cwd, env });
    const ill = { ...env, PORT: '1' };
    const illness = spawnSync(inImage, image.health.slice(1), { cwd, env: ill });
    if (health.status !== 0 || illness.status !== 1)
      throw new Problem(
        `HEALTHCHECK ends with ${health.status} where it serves, ${illness.status} where not`,
      );
    const guest = await post(`${url}/v1/guests`, { name: 'Ana' });
    const room = await post(`${url}/v1/rooms`, { name: 'Kitchen' }, guest.token);
    say(`a guest and a room: ${room.room?.code ?? room.code}`);
    const line = told.split('\n').find((text) => text.includes('Earshot is listening'));
    say(
      `serves with ${JSON.parse(line).sockets}, as the user ${isRoot ? image.user : 'of this shell'}`,
    );
    await end(image, child);
    if (status !== 0) throw new Problem(`${image.signal} ends it with ${status}\n${told}`);
    say(`${image.signal} ends it with 0`);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Problem(`${error.message}\n${told}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Sends the signal to the process of the image, which may be inside of a namespace. */
async function end(image, child) {
  const exited = once(child, 'exit');
  const inside = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isBelow(pid, child.pid));
  process.kill(Number(inside.at(-1) ?? child.pid), image.signal);
  await exited;
}

function isBelow(pid, parent) {
  try {
    return (
      Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) === parent
    );
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

async function post(url, body, token) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Problem(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

try {
  if (debian !== undefined && !isRoot) throw new Problem('--debian needs root rights');
  const image = build();
  if (isRoot) seeOwners(image);
  weigh(image);
  await tryOut(image);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`image: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  if (options.keep) say(`kept: ${work}`);
  else rmSync(work, { recursive: true, force: true });
}
