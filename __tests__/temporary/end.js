import process from 'node:process';
import { rmSync } from 'node:fs';

export default () => {
  // A process that ends just now may still write.
  rmSync(process.env.TMPDIR, { recursive: true, force: true, maxRetries: 3 });
};
