/** Node's environment for Jest, for thousands of short runs in one process. */
import crypto from 'node:crypto';
import { TestEnvironment } from 'jest-environment-node';

const generate = crypto.generateKeyPairSync;
const known = new Map();
let count = 0;

/** The n-th pair of keys of a run is that of the run before: a new RSA key takes longer than most tests. */
crypto.generateKeyPairSync = (...order) => {
  count += 1;
  const name = JSON.stringify([count, order]);
  if (!known.has(name)) known.set(name, generate(...order));
  return known.get(name);
};

/** The first failure ends the run: Jest's own `bail` looks at whole files only. */
export default class extends TestEnvironment {
  #failed = false;

  constructor(...parts) {
    super(...parts);
    count = 0;
  }

  handleTestEvent({ name, test }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.#failed = true;
    if (name === 'test_start' && this.#failed) test.mode = 'skip';
  }
}
