import base from '../../jest.config.js';

/** Faults on purpose: most of the time is spent waiting for leases, so more files at a time than there are cores. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/faults'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 180_000,
  maxWorkers: 4,
};
