/** Specs are transpiled one by one; `npm run lint` checks their types. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // They take minutes, or need more than Node: npm run test:faults, test:fuzz, test:projects, test:browser, test:differential, test:sdk-python.
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/(faults|fuzz|browser|differential|projects)/',
    '<rootDir>/test/parity/python.spec.ts',
  ],
  modulePathIgnorePatterns: ['<rootDir>/test/differential/node_modules/', '<rootDir>/test/projects/fixtures/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: 'tsconfig.jest.json' }],
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // Which methods of the SDKs were called, for docs/compatibility.md.
  ...(process.env.NESTGRAPH_RESULTS && { reporters: ['default', '<rootDir>/test/support/results-reporter.mjs'] }),
  // A bound, not an expectation: hooks start servers, and machines may be busy.
  testTimeout: 120_000,
  // One more than the usual two cores: tests wait for servers half of the time.
  maxWorkers: 3,
};
