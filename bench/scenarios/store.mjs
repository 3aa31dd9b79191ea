import { DIMS, embed } from '../graphs/embedding.mjs';
import { openDatabase } from '../lib/database.mjs';

const SIZES = [1_000, 100_000, 1_000_000];
/** Maximum number of items with a vector, which are kept in memory without pgvector. */
const MAX_VECTORS = 100_000;
const PER_USER = 20;
const WORDS = 5_000;
const WORDS_OF_TEXT = 6;
const QUERIES = 100;
/** Vectors per insert statement. */
const BATCH = 2_000;

/** The store with a growing number of items: shows which operations do not depend on it. */
export async function store(bench) {
  const result = {};
  for (const size of SIZES) {
    const server = await bench.server();
    await fill(server.directory, size);
    if (size === MAX_VECTORS) {
      result.recall = await recall(server.client, size);
    }
    const calls = callsOf(server.client, size);
    for (const [name, call] of Object.entries(calls)) {
      // The first search reads all vectors.
      await call();
      result[name] ??= {};
      result[name][size] = await bench.figuresOf(server, { call, concurrency: 1 });
    }
    await server.remove();
  }
  return result;
}

function callsOf(client, size) {
  const any = (count) => Math.floor(Math.random() * count);
  const userOf = (n) => ['users', `u${n % (size / PER_USER)}`];
  const dump = async (method, path, body) => (await client.send(method, path, body)).dump();
  const search = (body) => async () => {
    const { items } = await client.post('/store/items/search', typeof body === 'function' ? body() : body);
    if (items.length === 0) {
      throw new Error('nothing was found');
    }
  };
  return {
    get: async () => {
      const n = any(size);
      if ((await client.get(`/store/items?namespace=${userOf(n).join('.')}&key=k${n}`)) === null) {
        throw new Error(`k${n} was not found`);
      }
    },
    search_prefix: search(() => ({ namespace_prefix: userOf(any(size)) })),
    search_everything: search({ namespace_prefix: [] }),
    search_filter_common: search({ namespace_prefix: ['users'], filter: { half: 1 } }),
    search_filter_rare: search(() => ({ namespace_prefix: ['users'], filter: { owner: `o${any(size / PER_USER)}` } })),
    search_vector: search(() => ({ namespace_prefix: [], query: textOf(any(MAX_VECTORS)) })),
    search_vector_of_user: search(() => ({
      namespace_prefix: userOf(any(Math.min(size, MAX_VECTORS))),
      query: textOf(any(MAX_VECTORS)),
    })),
    // Last, because a repeated put removes the vectors of these items.
    put_again: () => {
      const n = any(size);
      return dump('PUT', '/store/items', { namespace: userOf(n), key: `k${n}`, value: valueOf(n), index: false });
    },
    put_new: () => {
      const value = valueOf(any(size));
      return dump('PUT', '/store/items', { namespace: ['new'], key: `k${Math.random()}`, value, index: false });
    },
    put_with_vector: () => {
      const value = valueOf(any(size));
      return dump('PUT', '/store/items', { namespace: ['new'], key: `k${Math.random()}`, value });
    },
  };
}

/** Recall of the ten nearest items, and the share of queries with full recall. */
async function recall(client, size) {
  const vectors = Array.from({ length: size }, (_, n) => unit(textOf(n)));
  let found = 0;
  let perfect = 0;
  for (let query = 0; query < QUERIES; query += 1) {
    const text = `${textOf(query * 7)} ${textOf(query * 11 + 1)}`;
    const asked = unit(text);
    const nearest = vectors
      .map((vector, n) => [product(vector, asked), n])
      .sort(([a], [b]) => b - a)
      .slice(0, 10);
    const { items } = await client.post('/store/items/search', { namespace_prefix: ['users'], query: text });
    // Items with equal distance are interchangeable.
    const least = nearest.at(-1)[0] - 1e-5;
    const right = items.filter(({ score }) => score >= least).length;
    found += right;
    perfect += right === 10 ? 1 : 0;
  }
  return { queries: QUERIES, at_10: found / QUERIES / 10, perfect };
}

function product(one, other) {
  let sum = 0;
  for (let at = 0; at < DIMS; at += 1) {
    sum += one[at] * other[at];
  }
  return sum;
}

function unit(text) {
  const [vector] = embed([text]);
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (number) => number / length);
}

/** Words derived from a number. */
function textOf(n) {
  let state = n + 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  next();
  return Array.from({ length: WORDS_OF_TEXT }, () => `w${next() % WORDS}`).join(' ');
}

const valueOf = (n) => ({
  text: textOf(n),
  half: n % 2,
  owner: `o${n % 5_000}`,
  padding: 'some more words '.repeat(10),
});

/** Inserts into the table directly: a million items over HTTP would take as long as all other scenarios. */
async function fill(directory, size) {
  const { client, close } = await openDatabase(directory);
  try {
    await client.query(
      `INSERT INTO store_items (namespace, key, value, created_at, updated_at)
       SELECT 'users.u' || n % ($1::int / $2::int) || '.', 'k' || n,
              jsonb_build_object('half', n % 2, 'owner', 'o' || n % ($1::int / $2::int), 'padding', repeat('some more words ', 10)),
              now(), now()
       FROM generate_series(0, $1::int - 1) n`,
      [size, PER_USER],
    );
    for (let from = 0; from < Math.min(size, MAX_VECTORS); from += BATCH) {
      await fillVectors(client, from, Math.min(from + BATCH, size));
    }
    await client.query('VACUUM ANALYZE store_items, store_vectors');
  } finally {
    await close();
  }
}

async function fillVectors(client, from, to) {
  const bytes = DIMS * Float32Array.BYTES_PER_ELEMENT;
  const vectors = Buffer.concat(
    Array.from({ length: to - from }, (_, index) => Buffer.from(unit(textOf(from + index)).buffer)),
  );
  await client.query(
    `INSERT INTO store_vectors (item_id, version, space, embedding)
     SELECT item_id, version, $3, substring($4::bytea FROM (n - $1::int) * ${bytes} + 1 FOR ${bytes})
     FROM generate_series($1::int, $2::int - 1) n JOIN store_items
          ON namespace LIKE 'users.%' AND key = 'k' || n AND item_id BETWEEN $1::int AND $2::int + 1`,
    [from, to, `file:embed/${DIMS}`, vectors],
  );
}
