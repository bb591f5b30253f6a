/** Node's environment for Jest, which saves the counts of a test file after it. */
import { runInContext } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';
import { countsAsText, saveCounts } from './counts.ts';
import { countsFolder } from './instrument.ts';

export default class extends TestEnvironment {
  async teardown() {
    saveCounts(countsFolder, runInContext(countsAsText, this.getVmContext()));
    await super.teardown();
  }
}
