/**
 * What the client adds to a web page: bundled for browsers by esbuild, minified, gzipped. Prints it, chunk by chunk.
 *
 * Counted is what is loaded before the first call of a client with a token; streams, files, grants, records and untyped calls are
 * chunks that follow when they are used. Fails over the limit, or if a Node module is met.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIMIT_KB = 12;
const { outputFiles, metafile } = await build({
  stdin: { contents: "export { AdminClient } from '@admin-api/sdk'", resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
  bundle: true,
  minify: true,
  splitting: true,
  metafile: true,
  write: false,
  outdir: 'out',
  absWorkingDir: '/',
  format: 'esm',
  platform: 'browser', // no peer and no node: module is external, so meeting one is an error
  target: 'es2023',
});
const kb = (path) => gzipSync(outputFiles.find((file) => file.path === `/${path}`).contents, { level: 9 }).length / 1000;
const sum = (paths) => paths.reduce((size, path) => size + kb(path), 0);

/** The chunk and all that is loaded with it. */
function whole(path) {
  const found = new Set([path]);
  for (const each of found) for (const { kind, path: next } of metafile.outputs[each].imports) if (kind === 'import-statement') found.add(next);
  return [...found];
}

const first = whole('out/stdin.js');
console.log(`browser bundle: ${sum(first).toFixed(2)} kB gzip, limit ${LIMIT_KB} kB`);
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint === undefined || first.includes(path)) continue;
  const more = whole(path).filter((each) => !first.includes(each));
  console.log(`  on demand: ${entryPoint.replace(/^.*\//, '')} ${sum(more).toFixed(2)} kB`);
}
process.exitCode = sum(first) > LIMIT_KB ? 1 : 0;
