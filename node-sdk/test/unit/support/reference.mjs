/** The reference server of this checkout, or the one that is installed. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const python = fileURLToPath(new URL('../../../../.venv/bin/python', import.meta.url));

/** What `startMockServer` is told. */
export const REFERENCE = existsSync(python) ? { command: [python, '-m', 'admin_api_mock'] } : {};
