/** What JSON may cost whatever reads, copies, validates, stores or writes it. */
export interface JsonBounds {
  /** Levels of lists and objects. */
  depth: number;
  /** Scalars, lists and objects, all together. Keys are not counted: each has a value. */
  values: number;
}

/** Levels of lists and objects in a request body: far more than any client needs, far fewer than any stack holds. */
export const MAX_JSON_DEPTH = 1_000;

const codeOf = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, SPACE] = ['"', '\\', ',', ' '].map(codeOf);
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = ['[', ']', '{', '}'].map(codeOf);

/**
 * The first bound that JSON text exceeds; undefined when it exceeds none. Does not parse it: the parser itself needs seconds,
 * and gigabytes, for millions of values. Of text that is no JSON it reports anything; the parser refuses it.
 */
export function exceededBound(json: string, { depth, values }: JsonBounds): keyof JsonBounds | undefined {
  // Each level and each value has a character of its own.
  if (json.length <= Math.min(depth, values)) {
    return undefined;
  }
  let level = 0;
  let count = 1;
  /** Just behind an opening bracket: what comes next, unless it closes, is the first value inside. */
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

/** Where the string that begins at `begin` has its closing quote. */
function endOfString(json: string, begin: number): number {
  const quote = json.indexOf('"', begin + 1);
  // Few strings have escapes; a search for each quote of one that has millions would cost most of all.
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
