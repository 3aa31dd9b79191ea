/** The configuration is invalid: the process must not start. Each problem names the setting and the expected value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    const opening = problems.length === 1 ? 'is a problem' : `are ${problems.length} problems`;
    super([`There ${opening} in the configuration:`, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    this.name = 'ConfigError';
  }
}
