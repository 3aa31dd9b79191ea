/** A command of a document: `NAME=value … program words…`. */
export interface Command {
  /** Variables that are set for this command alone, or, when it has no words, for those below. */
  variables: Record<string, string>;
  words: string[];
}

/** Shell that documents use: quotes, comments, continued lines, `&&`, `|`, variables. Everything else stays as it is. */
export function commandsOf(script: string): Command[] {
  const known: Record<string, string> = {};
  return statementsOf(script).map((words) => {
    const expanded = words.map((word) => word.replace(/\$(\w+)/g, (whole, name: string) => known[name] ?? whole));
    const first = expanded.findIndex((word) => !/^\w+=/.test(word));
    const assignments = expanded.slice(0, first === -1 ? expanded.length : first);
    const variables = Object.fromEntries(
      assignments.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    );
    if (first === -1) {
      Object.assign(known, variables);
    }
    return { variables, words: first === -1 ? [] : expanded.slice(first) };
  });
}

/** A piece of a script: quoted, a substitution, a comment, a separator, blank, or other characters. */
const PIECE =
  /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\\n|(#[^\n]*)|(&&|\|\||[|;\n])|([^\S\n]+)|((?:[^\s'"|;&\\#]|&(?!&)|(?<=\S)#|\\.)+)/gy;

function statementsOf(script: string): string[][] {
  const statements: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) {
      words.push(word);
    }
    word = undefined;
  };
  const endStatement = (): void => {
    endWord();
    if (words.length > 0) {
      statements.push(words);
    }
    words = [];
  };
  for (const [whole, single, double, comment, separator, , plain] of script.matchAll(PIECE)) {
    const part = single ?? double ?? plain;
    if (part !== undefined) {
      word = (word ?? '') + part;
    } else if (separator) {
      endStatement();
    } else if (!comment || whole === '\\\n') {
      endWord();
    }
  }
  endStatement();
  return statements;
}
