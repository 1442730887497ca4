/**
 * What each client adds to a web page: one class imported, bundled for browsers, minified, gzipped. Prints name → bytes.
 *
 * Counted is what is loaded before the first call; chunks that follow when they are used are not.
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
  const { outputFiles, metafile } = await build({
    stdin,
    bundle: true,
    minify: true,
    splitting: true,
    metafile: true,
    write: false,
    outdir: 'out',
    absWorkingDir: '/',
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    external: OPTIONAL_PEERS,
    logLevel: 'warning',
  });
  const loaded = new Set(['out/stdin.js']);
  for (const path of loaded) {
    for (const next of metafile.outputs[path].imports) if (next.kind === 'import-statement' && !next.external) loaded.add(next.path);
  }
  const parts = outputFiles.filter(({ path }) => loaded.has(path.slice(1)));
  sizes[name] = parts.reduce((size, { contents }) => size + gzipSync(contents, { level: 9 }).length, 0);
}
console.log(JSON.stringify(sizes));
