import base from '../../jest.config.js';

/** Thousands of hostile requests, one server after the other. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/fuzz'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 3_600_000,
  maxWorkers: 1,
};
