/** The page says what the code does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as sdk from '../../dist/index.js';
import { DEFAULT_LIMITS } from '../../dist/options.js';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const README = read('README.md');

test('README: who looks for the class of an error finds it', () => {
  const classes = Object.keys(sdk).filter((name) => sdk[name].prototype instanceof Error);
  assert.deepEqual(classes.filter((name) => !README.includes(`\`${name}\``)), []);
});

test('README: the example of telemetry runs as printed, with the rest from the environment', () => {
  const [, example] = /```js\n([^`]*openTelemetry[^]*?)```/.exec(README);
  const env = { ...process.env, ADMIN_API_BASE_URL: 'http://localhost', ADMIN_API_TOKEN: 't' };
  execFileSync(process.execPath, ['--input-type=module', '-e', example], { cwd: new URL('../..', import.meta.url), env });
});

test('README: the table of options has the numbers of the code', () => {
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    assert.match(README, new RegExp(`\\| \`${name}\`: [^|]+ \\| ${value ?? 'none'} \\|`), name);
  }
});

test('README: every option of the client is there, and each variable that it reads from the environment', () => {
  const report = read('etc/sdk.api.md');
  for (const kind of ['ClientOptions', 'CredentialOptions']) {
    const [, members] = new RegExp(`interface ${kind} [^{]*\\{([^}]+)\\}`).exec(report);
    for (const [, name] of members.matchAll(/^ {4}(\w+)\?/gm)) assert.match(README, new RegExp(`\`${name}\``), name);
  }
  const variables = new Set(['client.ts', 'credentials.ts', 'node.ts', 'runtime.ts'].flatMap((room) => read(`src/${room}`).match(/ADMIN_API_[A-Z_]+/g) ?? []));
  for (const name of variables) assert.ok(README.includes(name), name);
});
