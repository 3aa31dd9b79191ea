/** Bounds on JSON, which limit the cost of parsing, copying, validating and storing it. */
export interface JsonBounds {
  /** Maximum nesting of lists and objects. */
  depth: number;
  /** Maximum number of scalars, lists and objects. Keys are not counted: each has a value. */
  values: number;
}

/** Maximum nesting of a request body: far more than any client needs, far less than the stack allows. */
export const MAX_JSON_DEPTH = 1_000;

const codeOf = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, SPACE] = ['"', '\\', ',', ' '].map(codeOf);
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = ['[', ']', '{', '}'].map(codeOf);

/**
 * The first bound that a JSON string exceeds; undefined if it exceeds none. Does not parse it: the parser itself would need
 * seconds, and gigabytes, for millions of values. For invalid JSON the result is arbitrary; the parser rejects it.
 */
export function exceededBound(json: string, { depth, values }: JsonBounds): keyof JsonBounds | undefined {
  // Each level and each value takes at least one character.
  if (json.length <= Math.min(depth, values)) {
    return undefined;
  }
  let level = 0;
  let count = 1;
  /** True directly after an opening bracket: the next token, unless it is a closing bracket, is the first value inside. */
  let isFirst = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code <= SPACE) {
      continue;
    }
    if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      level--;
      isFirst = false;
      continue;
    }
    if (isFirst || code === COMMA) {
      count++;
      isFirst = false;
      if (count > values) {
        return 'values';
      }
    }
    if (code === QUOTE) {
      at = endOfString(json, at);
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      level++;
      isFirst = true;
      if (level > depth) {
        return 'depth';
      }
    }
  }
  return undefined;
}

/** Position of the closing quote of the string that begins at `begin`. */
function endOfString(json: string, begin: number): number {
  const quote = json.indexOf('"', begin + 1);
  // Few strings have escapes. For a string with millions of escaped quotes, an indexOf for each would be too expensive.
  return quote !== -1 && json.charCodeAt(quote - 1) !== BACKSLASH ? quote : endOfEscapedString(json, begin);
}

function endOfEscapedString(json: string, begin: number): number {
  for (let at = begin + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) {
      at++;
    } else if (code === QUOTE) {
      return at;
    }
  }
  return json.length;
}
