import all from './jest.config.js';

export default {
  ...all,
  testMatch: ['<rootDir>/__tests__/{core,gate}/**/*.test.ts'],
};
