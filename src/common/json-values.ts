/** Traverses parsed JSON without recursion, because it may be nested deeply. */
function someValue(root: unknown, matches: (value: unknown) => boolean): boolean {
  const stack = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (matches(value)) {
      return true;
    }
    if (typeof value === 'object' && value !== null) {
      for (const key in value) {
        stack.push((value as Record<string, unknown>)[key]);
      }
    }
  }
  return false;
}

/** Whether parsed JSON has more values (scalars, lists and objects, including the root) than `limit`. */
export function hasMoreValues(root: unknown, limit: number): boolean {
  let count = 0;
  return someValue(root, () => ++count > limit);
}

/** Whether the keys and strings of parsed JSON have more characters in total than `limit`. */
export function hasMoreCharacters(root: unknown, limit: number): boolean {
  let count = 0;
  return someValue(root, (value) => {
    if (typeof value === 'string') {
      count += value.length;
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const key in value) {
        count += key.length;
      }
    }
    return count > limit;
  });
}

/** Whether PostgreSQL can store parsed JSON unchanged: it contains neither NUL nor unpaired surrogates. */
export const isStorableJson = (root: unknown): boolean =>
  !someValue(root, (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).some(isUnstorable)
      : typeof value === 'string' && isUnstorable(value),
  );

const isUnstorable = (value: string): boolean => value.includes('\0') || !value.isWellFormed();
