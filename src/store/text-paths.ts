const MOST_PATHS = 100;
const LONGEST_PATH = 1_000;

const isPath = (path: unknown): boolean =>
  typeof path === 'string' && path.length > 0 && path.length <= LONGEST_PATH && !path.includes('\0');

/** `false`, or the paths of texts that semantic search compares. */
export const isIndex = (value: unknown): value is false | readonly string[] =>
  value === false || (Array.isArray(value) && value.length <= MOST_PATHS && value.every(isPath));

export const INDEX_MESSAGE = `must be false, or at most ${MOST_PATHS} paths like title, chapters[*].content or $`;

export const INDEX_SCHEMA = {
  oneOf: [
    { type: 'boolean', enum: [false] },
    { type: 'array', items: { type: 'string' }, maxItems: MOST_PATHS },
  ],
};
