// `npm run dev`: rebuilds the hub and the page on change, and restarts the hub when its build has changed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const isWindows = process.platform === 'win32';
const run = (command, args) => spawn(command, args, { stdio: 'inherit', shell: isWindows });

const children = [
  run('npx', ['tsc', '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput']),
  run('npx', ['vite', 'build', '--watch', '--clearScreen=false']),
];
// Node's own watch mode follows the imports of main.js; it needs the file to be there.
const wait = setInterval(() => {
  if (!existsSync('dist/src/main.js')) return;
  clearInterval(wait);
  children.push(run(process.execPath, ['--watch', '--watch-preserve-output', 'dist/src/main.js']));
}, 500);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    clearInterval(wait);
    for (const child of children) child.kill(signal);
  });
}
