/** LangChain's Embeddings interface, which converts texts to vectors. */
export interface Embeddings {
  embedDocuments(texts: string[]): Promise<number[][]>;
  embedQuery(text: string): Promise<number[]>;
}

type EmbedFunction = (texts: string[]) => number[][] | Promise<number[][]>;

/** Returns embeddings unchanged, or wraps a function; undefined for anything else. */
export function toEmbeddings(value: unknown): Embeddings | undefined {
  if (typeof value === 'function') {
    const embed = value as EmbedFunction;
    return {
      embedDocuments: async (texts) => embed(texts),
      embedQuery: async (text) => (await embed([text]))[0],
    };
  }
  const candidate = value as Partial<Embeddings> | null | undefined;
  const isWhole = typeof candidate?.embedDocuments === 'function' && typeof candidate.embedQuery === 'function';
  return isWhole ? (candidate as Embeddings) : undefined;
}
