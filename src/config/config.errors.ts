/** The configuration is wrong and the process must not start. Every problem says where it is and what is expected. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    const opening = problems.length === 1 ? 'is a problem' : `are ${problems.length} problems`;
    super([`There ${opening} in the configuration:`, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    this.name = 'ConfigError';
  }
}
