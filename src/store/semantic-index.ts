import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type NestgraphConfig, type StoreIndexConfig } from '../config/index.js';
import { Sql } from '../database/index.js';
import { Embedder } from './embeddings/embedder.js';
import { loadEmbeddings } from './embeddings/load-embeddings.js';
import { encodeNamespace } from './namespace.js';
import type { PutOperation } from './operations.js';
import { textsAt } from './text-paths.js';
import { MemoryIndex } from './vectors/memory-index.js';
import { PgvectorIndex } from './vectors/pgvector-index.js';
import type { VectorIndex, VectorRow } from './vectors/vector-index.js';

/** The first pgvector version (0.5) with HNSW, an index that needs no data to be built. */
const MIN_MINOR = 5;

/** Identifies the vectors that can be compared with each other: same embeddings, same dimensions. */
const spaceOf = ({ embed, dims }: StoreIndexConfig): string =>
  `${'provider' in embed ? `${embed.provider}:${embed.model}` : `file:${embed.export_name}`}/${dims}`;

/** Semantic search, when `store.index` of langgraph.json enables it: the embedder and the vector index. */
@Injectable()
export class SemanticIndex implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Store');
  private readonly settings?: StoreIndexConfig;
  private embedder?: Embedder;
  private index?: VectorIndex;

  constructor(
    private readonly sql: Sql,
    @Inject(CONFIG) private readonly config: NestgraphConfig,
  ) {
    this.settings = config.store.index;
  }

  async onModuleInit(): Promise<void> {
    if (this.settings) {
      const { dims } = this.settings;
      this.embedder = new Embedder(await loadEmbeddings(this.settings, this.config.project_directory), dims);
      this.index = await this.openIndex(dims, spaceOf(this.settings));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.index?.stop();
  }

  /** The vector index; undefined without semantic search. */
  get vectors(): VectorIndex | undefined {
    return this.index;
  }

  /** Embeds queries, each distinct one once, and returns the vectors in order. Throws EmbeddingFailedError. */
  async embedQueries(queries: readonly string[]): Promise<Float32Array[]> {
    const vectors = new Map<string, Promise<Float32Array>>();
    return Promise.all(
      queries.map((query) => {
        const vector = vectors.get(query) ?? this.embedder!.embedQuery(query);
        vectors.set(query, vector);
        return vector;
      }),
    );
  }

  /** Embeds the texts of items before they are put. Throws EmbeddingFailedError. */
  async embedItems(puts: readonly PutOperation[]): Promise<VectorRow[]> {
    const { fields } = this.settings!;
    const texts = puts.flatMap(({ namespace, key, value, index }) => {
      const paths = index === false ? [] : (index ?? fields);
      return textsAt(value, paths).map((text) => ({ namespace: encodeNamespace(namespace), key, text }));
    });
    const vectors = await this.embedder!.embedDocuments(texts.map(({ text }) => text));
    return texts.map(({ namespace, key, text }) => ({ namespace, key, vector: vectors.get(text)! }));
  }

  private async openIndex(dims: number, space: string): Promise<VectorIndex> {
    if (await this.hasPgvector()) {
      const index = new PgvectorIndex(this.sql, dims, space);
      try {
        await index.start();
        return index;
      } catch (error) {
        if ((error as { code?: string }).code !== '42501') {
          throw error;
        }
        this.logger.warn(
          'The database has pgvector, but this account may not create the extension. Execute "CREATE EXTENSION vector" in ' +
            'this database as a superuser and restart the server. Until then, vectors are kept in memory.',
        );
      }
    }
    return new MemoryIndex(this.sql, dims, space);
  }

  private async hasPgvector(): Promise<boolean> {
    const { rows } = await this.sql.query<{ version: string }>(
      `SELECT coalesce(installed_version, default_version) AS version FROM pg_available_extensions WHERE name = 'vector'`,
    );
    const [major = 0, minor = 0] = rows[0]?.version.split('.').map(Number) ?? [];
    return major > 0 || minor >= MIN_MINOR;
  }
}
