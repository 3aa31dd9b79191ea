/** Memory is allocated for so many vectors at a time. */
const CHUNK = 4_096;
const NONE = -1;

/** Vectors, concatenated, with the items they belong to. */
export interface VectorPage {
  item_ids: Float64Array;
  versions: Float64Array;
  namespaces: string[];
  vectors: Float32Array;
}

export interface RankRequest {
  query: Float32Array;
  /** Bytewise range of namespaces. */
  from: string;
  to: string;
  /** Only these items. */
  among?: Float64Array;
  /** Number of items to return. */
  count: number;
}

/** Items, the most similar one first. */
export interface Ranking {
  item_ids: Float64Array;
  versions: Float64Array;
  scores: Float64Array;
}

/** Compares a query with all vectors in memory. Of each item, it keeps the vectors of the newest version. */
export class ExactSearch {
  private readonly chunks: Float32Array[] = [];
  private item_ids: number[] = [];
  private versions: number[] = [];
  private namespaces: number[] = [];
  /** The next vector of the same item. */
  private next: number[] = [];
  private readonly firsts = new Map<number, number>();
  private readonly free: number[] = [];
  private readonly names: string[] = [];
  private readonly codes = new Map<string, number>();

  constructor(private readonly dims: number) {}

  /** Number of vectors. */
  get size(): number {
    return this.item_ids.length - this.free.length;
  }

  add({ item_ids, versions, namespaces, vectors }: VectorPage): void {
    for (let row = 0; row < item_ids.length; row += 1) {
      const first = this.firsts.get(item_ids[row]);
      if (first !== undefined && this.versions[first] > versions[row]) {
        continue;
      }
      if (first !== undefined && this.versions[first] < versions[row]) {
        this.remove(item_ids[row]);
      }
      const vector = vectors.subarray(row * this.dims, (row + 1) * this.dims);
      this.insert(item_ids[row], versions[row], this.codeOf(namespaces[row]), vector);
    }
  }

  remove(item_id: number): void {
    for (let slot = this.firsts.get(item_id) ?? NONE; slot !== NONE; slot = this.next[slot]) {
      this.item_ids[slot] = NONE;
      this.free.push(slot);
    }
    this.firsts.delete(item_id);
  }

  /** Removes all other items. */
  keep(item_ids: Float64Array): void {
    const kept = new Set(item_ids);
    [...this.firsts.keys()].filter((item_id) => !kept.has(item_id)).forEach((item_id) => this.remove(item_id));
  }

  rank({ query, from, to, among, count }: RankRequest): Ranking {
    const inRange = this.names.map((name) => isBefore(from, name, true) && isBefore(name, to, false));
    const best = new Best(count);
    const compare = (item_id: number, first: number): void => {
      if (inRange[this.namespaces[first]]) {
        best.offer(item_id, this.versions[first], this.scoreOf(first, query));
      }
    };
    if (among) {
      among.forEach((item_id) => {
        const first = this.firsts.get(item_id);
        if (first !== undefined) {
          compare(item_id, first);
        }
      });
    } else {
      this.firsts.forEach((first, item_id) => compare(item_id, first));
    }
    return best.ranking();
  }

  private insert(item_id: number, version: number, code: number, vector: Float32Array): void {
    const slot = this.free.pop() ?? this.item_ids.length;
    const chunk = Math.floor(slot / CHUNK);
    this.chunks[chunk] ??= new Float32Array(CHUNK * this.dims);
    this.chunks[chunk].set(vector, (slot % CHUNK) * this.dims);
    this.item_ids[slot] = item_id;
    this.versions[slot] = version;
    this.namespaces[slot] = code;
    this.next[slot] = this.firsts.get(item_id) ?? NONE;
    this.firsts.set(item_id, slot);
  }

  /** The score of the most similar vector of the item. */
  private scoreOf(first: number, query: Float32Array): number {
    let score = -Infinity;
    for (let slot = first; slot !== NONE; slot = this.next[slot]) {
      score = Math.max(score, product(this.chunks[Math.floor(slot / CHUNK)], (slot % CHUNK) * this.dims, query));
    }
    return score;
  }

  private codeOf(namespace: string): number {
    const known = this.codes.get(namespace);
    if (known !== undefined) {
      return known;
    }
    this.codes.set(namespace, this.names.length);
    return this.names.push(namespace) - 1;
  }
}

/** The dot product. Four independent sums let the processor overlap additions. */
function product(vectors: Float32Array, at: number, query: Float32Array): number {
  const whole = query.length - (query.length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let n = 0; n < whole; n += 4) {
    a += vectors[at + n] * query[n];
    b += vectors[at + n + 1] * query[n + 1];
    c += vectors[at + n + 2] * query[n + 2];
    d += vectors[at + n + 3] * query[n + 3];
  }
  for (let n = whole; n < query.length; n += 1) {
    a += vectors[at + n] * query[n];
  }
  return a + b + c + d;
}

/** Compares bytewise. JavaScript compares UTF-16 code units, whose order differs only for surrogates. */
function isBefore(a: string, b: string, orEqual: boolean): boolean {
  if (a === b) {
    return orEqual;
  }
  return /[\ud800-\udfff]/.test(a + b) ? Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 : a < b;
}

/** Keeps the best `count` items: a heap with the worst of them on top. */
class Best {
  private readonly heap: { item_id: number; version: number; score: number }[] = [];

  constructor(private readonly count: number) {}

  offer(item_id: number, version: number, score: number): void {
    const { heap } = this;
    if (heap.length < this.count) {
      heap.push({ item_id, version, score });
      this.rise(heap.length - 1);
    } else if (heap.length > 0 && isWorse(heap[0], { item_id, score })) {
      heap[0] = { item_id, version, score };
      this.sink(0);
    }
  }

  ranking(): Ranking {
    const sorted = this.heap.sort((a, b) => (isWorse(a, b) ? 1 : -1));
    return {
      item_ids: Float64Array.from(sorted, ({ item_id }) => item_id),
      versions: Float64Array.from(sorted, ({ version }) => version),
      scores: Float64Array.from(sorted, ({ score }) => score),
    };
  }

  private rise(from: number): void {
    const { heap } = this;
    for (let at = from, parent = (at - 1) >> 1; at > 0 && isWorse(heap[at], heap[parent]); parent = (at - 1) >> 1) {
      [heap[at], heap[parent]] = [heap[parent], heap[at]];
      at = parent;
    }
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from, worst = this.worstBelow(at); worst !== at; worst = this.worstBelow(at)) {
      [heap[at], heap[worst]] = [heap[worst], heap[at]];
      at = worst;
    }
  }

  /** The position of the worst item among a position and its children. */
  private worstBelow(at: number): number {
    const { heap } = this;
    const children = [2 * at + 1, 2 * at + 2].filter((child) => child < heap.length);
    return children.reduce((one, other) => (isWorse(heap[other], heap[one]) ? other : one), at);
  }
}

interface Scored {
  item_id: number;
  score: number;
}

/** Of two equally similar items, the one that was put first is better. */
const isWorse = (a: Scored, b: Scored): boolean => (a.score === b.score ? a.item_id > b.item_id : a.score < b.score);
