/** Levels of lists and objects in a request body: far more than anybody means, far fewer than any stack holds. */
export const DEEPEST_JSON = 1_000;

const [QUOTE, BACKSLASH] = ['"', '\\'].map((character) => character.charCodeAt(0));
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = ['[', ']', '{', '}'].map((bracket) => bracket.charCodeAt(0));

/**
 * Whether JSON text has more levels than `most`, without parsing it: whoever walks through a parsed value may run out of
 * stack. Says no to what is no JSON, which the parser refuses.
 */
export function isDeeperThan(most: number, json: string): boolean {
  // So many brackets at least.
  if (json.length <= most) {
    return false;
  }
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfText(json, at);
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      depth++;
      if (depth > most) {
        return true;
      }
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      depth--;
    }
  }
  return false;
}

/** Where the text that begins at `begin` has its closing quote: one before which no backslash is left over. */
function endOfText(json: string, begin: number): number {
  for (let quote = json.indexOf('"', begin + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) {
      backslashes++;
    }
    if (backslashes % 2 === 0) {
      return quote;
    }
  }
  return json.length;
}
