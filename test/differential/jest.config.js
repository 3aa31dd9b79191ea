import base from '../../jest.config.js';

/** The same scenarios against the official development server and against ours. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/differential'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 180_000,
  maxWorkers: 1,
};
