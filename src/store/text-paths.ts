import { ValidationFailedError } from '../common/index.js';

const MAX_PATHS = 100;
const MAX_PATH_LENGTH = 1_000;

const isPath = (path: unknown): boolean =>
  typeof path === 'string' && path.length > 0 && path.length <= MAX_PATH_LENGTH && !path.includes('\0');

/** Whether this is a valid `index`: `false`, or the paths of the texts that semantic search compares. */
export const isIndex = (value: unknown): value is false | readonly string[] =>
  value === false || (Array.isArray(value) && value.length <= MAX_PATHS && value.every(isPath));

export const INDEX_MESSAGE = `must be false, or at most ${MAX_PATHS} paths like title, chapters[*].content or $`;

export const INDEX_SCHEMA = {
  oneOf: [
    { type: 'boolean', enum: [false] },
    { type: 'array', items: { type: 'string' }, maxItems: MAX_PATHS },
  ],
};

/** A member, an element (`[0]`, `[-1]`), all elements or members (`[*]`, `*`), or several members (`{a,b.c}`). */
const STEP = /\[[^\]]*\]|\{[^}]*\}|[^.[\]{}]+/g;

/** The maximum cost of the texts of one value. A value, a step and a thousand characters cost 1 each. */
const MAX_COST = 10_000;
const CHARACTERS_PER_COST = 1_000;

/**
 * Bounds the work of paths, which multiply: `{a,a}{a,a}` selects the same part four times. Throws {@link
 * ValidationFailedError}.
 */
class Budget {
  private left = MAX_COST;

  spend(cost: number): void {
    this.left -= cost;
    if (this.left < 0) {
      const message = `selects more than ${MAX_COST} values; use fewer paths, or false`;
      throw new ValidationFailedError([{ path: 'index', message }]);
    }
  }

  /** Spends the cost of a part with everything in it. */
  spendOn(part: unknown): void {
    const parts = [part];
    for (let next = parts.pop(); next !== undefined; next = parts.pop()) {
      this.spend(typeof next === 'string' ? 1 + next.length / CHARACTERS_PER_COST : 1);
      if (typeof next === 'object' && next !== null) {
        // Pushes one by one: a long list has more elements than a call may have arguments.
        for (const inner of Object.values(next) as unknown[]) {
          if (inner !== undefined) {
            parts.push(inner);
          }
        }
      }
    }
  }
}

/**
 * Returns the distinct texts of a value at the paths, like LangGraph's own stores; `$` selects the whole value as JSON.
 * Throws {@link ValidationFailedError} when the paths select too much.
 */
export function textsAt(value: unknown, paths: readonly string[]): string[] {
  const budget = new Budget();
  const texts = paths.flatMap((path) => {
    const steps = path.match(STEP) ?? [];
    return walk([value], steps[0] === '$' ? steps.slice(1) : steps, budget).flatMap((part) => toText(part, budget));
  });
  return [...new Set(texts)];
}

const walk = (parts: unknown[], steps: readonly string[], budget: Budget): unknown[] =>
  steps.reduce((found, step) => found.flatMap((part) => take(part, step, budget)), parts);

function take(part: unknown, step: string, budget: Budget): unknown[] {
  const found = follow(part, step, budget);
  budget.spend(1 + found.length);
  return found;
}

function follow(part: unknown, step: string, budget: Budget): unknown[] {
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
    return paths.flatMap((path) => walk([part], path.trim().match(STEP) ?? [], budget));
  }
  return Object.hasOwn(part, step) ? [(part as Record<string, unknown>)[step]] : [];
}

function toText(part: unknown, budget: Budget): string[] {
  budget.spendOn(part);
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
