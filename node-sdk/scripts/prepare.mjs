/** Builds `dist` if it is missing, so that `npm install ./node-sdk` from a fresh checkout gives a package that works. */
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const run = (command) => execSync(command, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });

if (!existsSync(`${cwd}/dist/index.js`)) {
  // npm links a folder and leaves its own tools to it
  if (!existsSync(`${cwd}/node_modules/typescript`)) run('npm ci --ignore-scripts --loglevel=error');
  run('npm run --silent build');
}
