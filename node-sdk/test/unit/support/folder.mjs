/** A folder of the test's own, gone at its end; temporary files of the SDK go there too. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'sdk-test-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Like `folder`, and where `os.tmpdir()` points to meanwhile. */
export function temporaryFolder(t) {
  const path = folder(t);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = path;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  return path;
}
