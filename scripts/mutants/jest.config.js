/** Jest in Stryker's copy of the repository. */
export default {
  rootDir: '../..',
  roots: ['<rootDir>/mutants'],
  testEnvironment: `${import.meta.dirname}/environment.js`,
  testMatch: ['**/*.test.cjs'],
  transform: {},
  testTimeout: 30_000,
};
