/** Values are parsed JSON: walked without recursion, because they may be nested deeply. */
function someValue(root: unknown, isSought: (value: unknown) => boolean): boolean {
  const left = [root];
  while (left.length > 0) {
    const value = left.pop();
    if (isSought(value)) {
      return true;
    }
    if (typeof value === 'object' && value !== null) {
      for (const key in value) {
        left.push((value as Record<string, unknown>)[key]);
      }
    }
  }
  return false;
}

/** Whether parsed JSON has more values (scalars, lists and objects, itself included) than `limit`. */
export function hasMoreValues(root: unknown, limit: number): boolean {
  let count = 0;
  return someValue(root, () => ++count > limit);
}

/** Whether the keys and strings of parsed JSON have more characters than `limit`, together. */
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

/** Whether PostgreSQL can hold parsed JSON as it is: it has neither NUL nor unpaired surrogates. */
export const isStorableJson = (root: unknown): boolean =>
  !someValue(root, (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).some(isUnstorable)
      : typeof value === 'string' && isUnstorable(value),
  );

const isUnstorable = (text: string): boolean => text.includes('\0') || !text.isWellFormed();
