/** Writes the API report of each entry into `etc/`; with `--check` a difference fails instead. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const ENTRIES = { index: 'sdk', encryption: 'encryption', node: 'node', opentelemetry: 'opentelemetry', testing: 'testing' };
const check = process.argv.includes('--check');
const root = fileURLToPath(new URL('..', import.meta.url));
const configObjectFullPath = join(root, 'api-extractor.json');
const scratch = mkdtempSync(join(tmpdir(), 'api-report-'));
mkdirSync(join(root, 'etc'), { recursive: true });

let failed = false;
try {
  for (const [entry, name] of Object.entries(ENTRIES)) {
    const configObject = ExtractorConfig.loadFile(configObjectFullPath);
    configObject.mainEntryPointFilePath = join(root, 'dist', `${entry}.d.ts`);
    configObject.apiReport.reportFileName = `${name}.api.md`;
    configObject.apiReport.reportTempFolder = scratch;
    const config = ExtractorConfig.prepare({ configObject, configObjectFullPath, packageJsonFullPath: join(root, 'package.json') });
    const told = [];
    const result = Extractor.invoke(config, {
      localBuild: !check,
      typescriptCompilerFolder: join(root, 'node_modules/typescript'),
      messageCallback: (message) => {
        if (['error', 'warning'].includes(message.logLevel)) told.push(message.formatMessageWithLocation(root));
        message.handled = true;
      },
    });
    if (result.apiReportChanged && check) told.push(`etc/${name}.api.md has changed: npm run report, and read the difference`);
    if (told.length > 0) console.error(told.join('\n'));
    failed ||= !result.succeeded || told.length > 0;
  }
} finally {
  rmSync(scratch, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
