import { describe, expect, it, jest } from '@jest/globals';
import { EmbeddingFailedError } from '../store.errors.js';
import { Embedder } from './embedder.js';
import { type Embeddings, toEmbeddings } from './embeddings.js';

const LENGTHS = toEmbeddings((texts: string[]) => texts.map((text) => [text.length, 0]))!;

/** Records the calls of a function that fails a given number of times. */
function counting(failures = 0): { embeddings: Embeddings; calls: string[][] } {
  const calls: string[][] = [];
  const embeddings = toEmbeddings((texts: string[]) => {
    calls.push(texts);
    if (calls.length <= failures) {
      throw new Error('overloaded');
    }
    return LENGTHS.embedDocuments(texts);
  })!;
  return { embeddings, calls };
}

describe('an embedder', () => {
  it('embeds each text once, in batches, as vectors of length 1', async () => {
    const { embeddings, calls } = counting();
    const texts = Array.from({ length: 250 }, (_, n) => `text ${n % 200}`);
    const vectors = await new Embedder(embeddings, 2).embedDocuments(texts);
    expect(vectors.size).toBe(200);
    expect(calls.map(({ length }) => length).toSorted()).toEqual([8, 96, 96]);
    expect([...vectors.get('text 7')!]).toEqual([1, 0]);
  });

  it('does not change a zero vector', async () => {
    expect([...(await new Embedder(LENGTHS, 2).embedQuery(''))]).toEqual([0, 0]);
  });

  it('makes no call when there is nothing to embed', async () => {
    const { embeddings, calls } = counting();
    expect((await new Embedder(embeddings, 2).embedDocuments([])).size).toBe(0);
    expect(calls).toEqual([]);
  });

  it('retries, and gives up after the third attempt', async () => {
    const twice = counting(2);
    await new Embedder(twice.embeddings, 2).embedQuery('a');
    expect(twice.calls).toHaveLength(3);
    const always = counting(9);
    await expect(new Embedder(always.embeddings, 2).embedQuery('a')).rejects.toThrow(/Embedding failed: overloaded/);
    expect(always.calls).toHaveLength(3);
  });

  it('times out', async () => {
    const embedQuery = jest.fn(() => new Promise<number[]>(() => undefined));
    const embedder = new Embedder({ ...LENGTHS, embedQuery }, 2, 5);
    await expect(embedder.embedQuery('a')).rejects.toThrow(/did not respond within 5 ms/);
    expect(embedQuery).toHaveBeenCalledTimes(3);
  });

  it.each<[string, unknown]>([
    ['no list', 'vectors'],
    ['too few', []],
    [
      'too many',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['of another length', [[1, 2, 3]]],
    ['not of numbers', [['a', 'b']]],
    ['of numbers that are none', [[NaN, 1]]],
  ])('refuses vectors that are %s, without a retry', async (_, answer) => {
    const embedDocuments = jest.fn(() => Promise.resolve(answer as number[][]));
    const embedding = new Embedder({ ...LENGTHS, embedDocuments }, 2).embedDocuments(['a']);
    await expect(embedding).rejects.toThrow(EmbeddingFailedError);
    expect(embedDocuments).toHaveBeenCalledTimes(1);
  });
});

it.each([undefined, null, 'text', {}, { embedQuery: () => [] }])('%j is not accepted as embeddings', (value) => {
  expect(toEmbeddings(value)).toBeUndefined();
});
