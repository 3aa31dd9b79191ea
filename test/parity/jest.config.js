import base from '../../jest.config.js';

/** What record.py has recorded in the environments of `npm run test:sdk-python`. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/parity'],
  testMatch: ['**/python.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: undefined,
  globalTeardown: undefined,
};
