/** `npm run mutants`: a small change anywhere in core and gate has to be noticed by a test of these rooms. */
export default {
  mutate: ['src/core/**/*.ts', 'src/gate/**/*.ts'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { configFile: 'stryker.jest.config.js' },
  coverageAnalysis: 'perTest',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { logTests: false, allowColor: false },
  jsonReporter: { fileName: 'reports/mutants.json' },
  tempDirName: 'reports/stryker',
  concurrency: 2,
};
