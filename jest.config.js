export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/__tests__/transform.js' },
  globalSetup: '<rootDir>/__tests__/temporary/begin.js',
  globalTeardown: '<rootDir>/__tests__/temporary/end.js',
  testTimeout: 30_000,
  // Copies of the repository, in which `npm run mutants` works.
  modulePathIgnorePatterns: ['<rootDir>/reports/'],
  // Something in a whole run keeps the process open after its last test; alone, each file that was looked at ends.
  forceExit: true,
};
