import process from 'node:process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One temporary folder for everything that a run makes, so that nothing is left behind, by killed processes neither. */
export default () => {
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'dw-'));
};
