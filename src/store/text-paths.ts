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

/** A member, an element (`[0]`, `[-1]`), all of them (`[*]`, `*`), or several members (`{a,b.c}`). */
const STEP = /\[[^\]]*\]|\{[^}]*\}|[^.[\]{}]+/g;

/** The texts of a value at a path, as LangGraph's own stores find them; `$` is all of it as JSON. */
export function textsAt(value: unknown, path: string): string[] {
  const steps = path.match(STEP) ?? [];
  return walk([value], steps[0] === '$' ? steps.slice(1) : steps).flatMap(toText);
}

const walk = (parts: unknown[], steps: readonly string[]): unknown[] =>
  steps.reduce((found, step) => found.flatMap((part) => take(part, step)), parts);

function take(part: unknown, step: string): unknown[] {
  if (typeof part !== 'object' || part === null) {
    return [];
  }
  if (step === '*') {
    return Object.values(part);
  }
  if (step.startsWith('[')) {
    const index = step.slice(1, -1);
    const isNumber = /^-?\d+$/.test(index);
    return Array.isArray(part) ? (index === '*' ? part : isNumber ? [part.at(Number(index))] : []) : [];
  }
  if (step.startsWith('{')) {
    const paths = step.slice(1, -1).split(',');
    return paths.flatMap((path) => walk([part], path.trim().match(STEP) ?? []));
  }
  return Object.hasOwn(part, step) ? [(part as Record<string, unknown>)[step]] : [];
}

function toText(part: unknown): string[] {
  switch (typeof part) {
    case 'string':
      return part.trim() === '' ? [] : [part];
    case 'number':
    case 'boolean':
      return [String(part)];
    case 'object':
      return part === null ? [] : [JSON.stringify(part, null, 2)];
    default:
      return [];
  }
}
