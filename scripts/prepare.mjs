// After an install: builds what `npm start` runs. Does nothing where the tools to build are left out (`npm ci --omit=dev`).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync('node_modules/typescript') || !existsSync('node_modules/vite')) {
  process.stdout.write('earshot: the tools to build are not installed; using dist/ as it is\n');
} else {
  const { status } = spawnSync('npm', ['run', 'build'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exit(status ?? 1);
}
