import base from '../../jest.config.js';

/** Projects of the kinds that people have, each installed by its own package manager. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/projects'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 600_000,
  // No database of ours: each project has its embedded one.
  globalSetup: undefined,
  globalTeardown: undefined,
  maxWorkers: 1,
};
