// Embeddings that need no model: a string is the sum of its words, each of which is always the same random vector.
const DIMS = 64;

/** A number below 1 from a string, always the same one. */
function* randomNumbers(seed: string): Generator<number> {
  let state = [...seed].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(0)!, 16_777_619), 2_166_136_261);
  for (;;) {
    state = Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9;
    yield (((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * 2 - 1;
  }
}

const wordVector = (word: string): number[] => {
  const numbers = randomNumbers(word);
  return Array.from({ length: DIMS }, () => numbers.next().value as number);
};

export const embed = (texts: string[]): number[][] =>
  texts.map((text) => {
    if (text.includes('unspeakable')) {
      throw new Error('some things cannot be said');
    }
    const words = (text.toLowerCase().match(/\p{L}+/gu) ?? []).map(wordVector);
    return Array.from({ length: DIMS }, (_, n) => words.reduce((sum, vector) => sum + vector[n], 0));
  });

/** The same as LangChain has it. */
export const embeddings = {
  embedDocuments: (texts: string[]) => Promise.resolve(embed(texts)),
  embedQuery: (text: string) => Promise.resolve(embed([text])[0]),
};
