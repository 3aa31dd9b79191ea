import { parentPort, workerData } from 'node:worker_threads';
import { ExactSearch, type Ranking, type RankRequest, type VectorPage } from './exact-search.js';

export interface SearchThreadData {
  dims: number;
}

export type SearchThreadRequest =
  | { id: number; add: VectorPage }
  | { id: number; keep: Float64Array }
  | { id: number; rank: RankRequest }
  /** Ranks the vectors of `page` only, and does not keep them. */
  | { id: number; rank: RankRequest; page: VectorPage };

/** The current number of vectors, and the requested ranking. */
export interface SearchThreadReply {
  id: number;
  size: number;
  ranking?: Ranking;
}

const { dims } = workerData as SearchThreadData;
const vectors = new ExactSearch(dims);

function execute(request: SearchThreadRequest): Ranking | undefined {
  if ('add' in request) {
    vectors.add(request.add);
    return undefined;
  }
  if ('keep' in request) {
    vectors.keep(request.keep);
    return undefined;
  }
  if (!('page' in request)) {
    return vectors.rank(request.rank);
  }
  const others = new ExactSearch(dims);
  others.add(request.page);
  return others.rank(request.rank);
}

parentPort!.on('message', (request: SearchThreadRequest) => {
  const ranking = execute(request);
  parentPort!.postMessage({ id: request.id, size: vectors.size, ranking } satisfies SearchThreadReply);
});
