/**
 * What each client adds to a web page: one class imported, bundled for browsers, minified, gzipped. Prints name → bytes.
 *
 * Optional peers stay outside, as they do for who does not install them.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from '../../node-sdk/node_modules/esbuild/lib/main.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Client → what a page writes, and the folder it stands in; the SDK refers to itself by its own name, `exports` and all. */
const PAGES = {
  'admin-api': { contents: "export { AdminClient } from '@admin-api/sdk'", resolveDir: here('../../node-sdk') },
  openai: { contents: "export { OpenAI } from 'openai'", resolveDir: here('.') },
};
const OPTIONAL_PEERS = ['age-encryption', 'undici', 'ws', 'zod'];

const sizes = {};
for (const [name, stdin] of Object.entries(PAGES)) {
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    external: OPTIONAL_PEERS,
    logLevel: 'warning',
  });
  sizes[name] = gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
console.log(JSON.stringify(sizes));
