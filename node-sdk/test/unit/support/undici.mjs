/** The built package beside each undici that it takes as its peer. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const SDK = fileURLToPath(new URL('../../..', import.meta.url));

/** `[version, { AdminClient, nodeFetch }]` of each; the older one in a copy, which finds it under the name of its peer. */
export async function eachUndici() {
  const root = mkdtempSync(join(tmpdir(), 'sdk-undici6-'));
  after(() => rmSync(root, { recursive: true }));
  const copy = join(root, 'node_modules/@admin-api/sdk');
  mkdirSync(copy, { recursive: true });
  for (const part of ['package.json', 'dist']) cpSync(join(SDK, part), join(copy, part), { recursive: true });
  symlinkSync(join(SDK, 'node_modules/undici6'), join(root, 'node_modules/undici'));
  const packages = { 6: `file://${copy}`, 7: `file://${SDK}` };
  return Promise.all(
    Object.entries(packages).map(async ([version, place]) => {
      const [{ AdminClient }, { nodeFetch }] = await Promise.all([import(`${place}/dist/index.js`), import(`${place}/dist/node.js`)]);
      return [version, { AdminClient, nodeFetch }];
    }),
  );
}
