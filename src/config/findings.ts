/** Problems and warnings of a configuration. Problems stop the start; warnings are logged. */
export class Findings {
  constructor(
    private readonly source = '',
    readonly problems: string[] = [],
    readonly warnings: string[] = [],
  ) {}

  /** The same lists; each new message is prefixed with `source` (a file, a variable). */
  within(source: string): Findings {
    return new Findings(source, this.problems, this.warnings);
  }

  /** Reports a problem at a path. Returns undefined, as a reader does for an invalid value. */
  problem(at: string, sentence: string): undefined {
    this.problems.push([this.source, at, sentence].filter(Boolean).join(': '));
  }

  warn(sentence: string): void {
    this.warnings.push([this.source, sentence].filter(Boolean).join(': '));
  }
}

/** The path of a member, for messages. */
export const pathTo = (at: string, key: string): string => {
  const step = /^[\w$-]+$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return at && !step.startsWith('[') ? `${at}.${step}` : `${at}${step}`;
};
