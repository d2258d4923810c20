// `npm run check:deploy`: builds deploy/check, which is in Go, as what it checks with is, and runs it on this checkout or the folder given.
// Without Go it says so in one line, and fails only where everything is required.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const [, , folder = '.'] = process.argv;
const binary = path.resolve('.cache/check-deploy');
// The Go that is there, and no download of another.
const env = { ...process.env, GOTOOLCHAIN: 'local' };

function withoutGo(reason) {
  process.stdout.write(`deployment: not checked: ${reason}\n`);
  process.exit(process.env.EARSHOT_TEST_REQUIRE_ALL === '1' ? 1 : 0);
}

const { stdout, error } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env });
if (error !== undefined) withoutGo('there is no Go (https://go.dev, or apt-get install golang)');
const [, minor] = /^go1\.(\d+)/.exec(stdout) ?? [];
if (Number(minor) < 24) withoutGo(`it needs Go 1.24, here is ${stdout.trim()}`);

const build = spawnSync('go', ['build', '-C', 'deploy/check', '-o', binary, '.'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env,
});
if (build.status !== 0) process.exit(build.status ?? 1);
process.exit(spawnSync(binary, [folder], { stdio: 'inherit' }).status ?? 1);
