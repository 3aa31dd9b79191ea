// Embeddings without a model: a string is the sum of its words, each of which has a fixed random direction.
export const DIMS = 384;

const known = new Map();

/** Numbers around 0, deterministic for each word. */
function wordVector(word) {
  let vector = known.get(word);
  if (!vector) {
    let state = [...word].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 2_147_483_646, 7) + 1;
    const uniform = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    vector = Float32Array.from({ length: DIMS }, () => uniform() + uniform() + uniform() - 1.5);
    known.set(word, vector);
  }
  return vector;
}

export const embed = (texts) =>
  texts.map((text) => {
    const sum = new Float64Array(DIMS);
    for (const word of text.split(' ')) {
      wordVector(word).forEach((number, index) => (sum[index] += number));
    }
    return [...sum];
  });
