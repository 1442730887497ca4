/** The README's first example, run in empty folders: with the packed tarball installed, and with this folder installed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
if (example === undefined) throw new Error('README.md has no example');
const scratch = mkdtempSync(join(tmpdir(), 'smoke-pack-'));
const npm = (cwd, ...args) => execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8' });

const users = [];
const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  if (request.method === 'POST') users.push(JSON.parse(body));
  const user = { id: 'usr_1', status: 'active', ...users.at(-1) };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(request.method === 'POST' ? user : { items: [user], next_cursor: null }));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

/** Runs the example in a folder that holds nothing but what `npm install` of one thing put there. */
async function runs(name, what) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  writeFileSync(join(folder, 'main.mjs'), example);
  npm(folder, 'install', what);
  const before = users.length;
  const env = { ...process.env, ADMIN_API_BASE_URL: `http://127.0.0.1:${server.address().port}`, ADMIN_API_TOKEN: 'TOKEN' };
  const [code] = await once(spawn(process.execPath, ['main.mjs'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  if (code !== 0 || users.length !== before + 1) throw new Error(`${name}: exit code ${code}, ${users.length - before} users made`);
  console.log(`${name}: works`);
}

try {
  const [{ filename, files }] = JSON.parse(npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', scratch));
  if (!files.some(({ path }) => path === 'dist/index.js')) throw new Error('dist is missing: npm run build');
  await runs('tarball', join(scratch, filename));
  await runs('folder', root);
} finally {
  server.close();
  rmSync(scratch, { recursive: true });
}
