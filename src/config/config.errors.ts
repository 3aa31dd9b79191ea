import { StartupError } from '../common/startup-error.js';

/** The configuration is invalid: the process must not start. Each problem names the setting and the expected value. */
export class ConfigError extends StartupError {
  constructor(readonly problems: readonly string[]) {
    const opening = problems.length === 1 ? 'is a problem' : `are ${problems.length} problems`;
    super([`There ${opening} in the configuration:`, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
  }
}
