/** What the client adds to a web page: bundled for browsers, minified, gzipped. Fails over the limit, or if a Node module is met. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIMIT_KB = 12;
const { outputFiles } = await build({
  stdin: { contents: "export { AdminClient } from '@admin-api/sdk'", resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'browser', // no peer and no node: module is external, so meeting one is an error
  target: 'es2023',
});
const kb = gzipSync(outputFiles[0].contents, { level: 9 }).length / 1000;
console.log(`browser bundle: ${kb.toFixed(1)} kB gzip, limit ${LIMIT_KB} kB`);
process.exitCode = kb > LIMIT_KB ? 1 : 0;
