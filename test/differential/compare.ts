/** A difference between two transcripts; undefined means missing. */
export interface Difference {
  path: string;
  theirs: unknown;
  ours: unknown;
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;
const DATE = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/**
 * Compares the transcripts of two servers. Dates are not compared. Ids are replaced by their order of appearance, `<id 1>`,
 * `<id 2>`: where one server repeats an id, the other must repeat the same one.
 */
export function compare(theirs: unknown, ours: unknown): Difference[] {
  return new Comparison().run(theirs, ours);
}

class Comparison {
  /** Names of ids: ids at the same place in both transcripts have the same name. */
  private readonly theirs = new Map<string, string>();
  private readonly ours = new Map<string, string>();
  private count = 0;

  run(theirs: unknown, ours: unknown): Difference[] {
    // Names first: an id may first occur where only one server has a value, and later in both transcripts.
    const pairs = [...leaves([], theirs, ours)];
    pairs.forEach(({ path, theirs, ours }) => {
      path.forEach(({ theirs, ours }) => this.name(theirs, ours));
      this.name(theirs, ours);
    });
    return pairs
      .map(({ path, theirs, ours }) => ({
        path: path.map((key) => this.shown(key.theirs, this.theirs) ?? this.shown(key.ours, this.ours)).join('.'),
        theirs: this.shown(theirs, this.theirs),
        ours: this.shown(ours, this.ours),
      }))
      .filter(({ theirs, ours }) => JSON.stringify(theirs) !== JSON.stringify(ours));
  }

  private name(theirs: unknown, ours: unknown): void {
    const [left, right] = [idsIn(theirs), idsIn(ours)];
    for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
      if (!this.theirs.has(left[i]) && !this.ours.has(right[i])) {
        const name = this.next();
        this.theirs.set(left[i], name);
        this.ours.set(right[i], name);
      }
    }
  }

  private shown(value: unknown, names: Map<string, string>): unknown {
    return mapTexts(value, (text) =>
      text.replace(DATE, '<date>').replace(ID, (id) => {
        if (!names.has(id)) {
          names.set(id, this.next());
        }
        return names.get(id)!;
      }),
    );
  }

  private next(): string {
    return `<id ${(this.count += 1)}>`;
  }
}

/** A place in both transcripts. */
interface Pair<T = unknown> {
  theirs: T;
  ours: T;
}

/** The name of a member; undefined where it is missing. */
type Key = Pair<string | undefined>;

/** The values at the same places, down to values without members. */
function* leaves(path: Key[], theirs: unknown, ours: unknown): Generator<Pair & { path: Key[] }> {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    for (const [index, pair] of align(theirs, ours).entries()) {
      yield* leaves([...path, { theirs: String(index), ours: String(index) }], pair.theirs, pair.ours);
    }
  } else if (isObject(theirs) && isObject(ours)) {
    for (const key of keysOf(theirs, ours)) {
      yield* leaves([...path, key], valueAt(theirs, key.theirs), valueAt(ours, key.ours));
    }
  } else {
    yield { path, theirs, ours };
  }
}

/** Pairs members by name. Members whose names are ids are paired by their values, and then by order. */
function keysOf(theirs: Record<string, unknown>, ours: Record<string, unknown>): Key[] {
  const rest = Object.keys(ours).filter((key) => !(key in theirs));
  const keys = Object.keys(theirs).map((key): Key => {
    if (key in ours) {
      return { theirs: key, ours: key };
    }
    const alike = rest.filter((other) => withoutIds(other) === withoutIds(key) && withoutIds(key) !== key);
    const other = alike.find((one) => meaningOf(ours[one]) === meaningOf(theirs[key])) ?? alike.at(0);
    if (other !== undefined) {
      rest.splice(rest.indexOf(other), 1);
    }
    return { theirs: key, ours: other };
  });
  return [...keys, ...rest.map((key) => ({ theirs: undefined, ours: key }))];
}

const meaningOf = (value: unknown): string => withoutIds(JSON.stringify(value) ?? '');

const valueAt = (object: Record<string, unknown>, key: string | undefined): unknown =>
  key === undefined ? undefined : object[key];

const withoutIds = (text: string): string => text.replace(ID, '');

const idsIn = (value: unknown): string[] => (typeof value === 'string' ? (value.match(ID) ?? []) : []);

/** Pairs the items of two lists: events by name, other items by position. */
function align(theirs: unknown[], ours: unknown[]): Pair[] {
  const names = [theirs, ours].map((list) => list.map(eventOf));
  if (names.flat().some((name) => name === undefined)) {
    const length = Math.max(theirs.length, ours.length);
    return Array.from({ length }, (_, i) => ({ theirs: theirs[i], ours: ours[i] }));
  }
  const rows: Pair[] = [];
  let [left, right] = [0, 0];
  for (const [i, j] of commonSubsequence(names[0], names[1])) {
    theirs.slice(left, i).forEach((event) => rows.push({ theirs: event, ours: undefined }));
    ours.slice(right, j).forEach((event) => rows.push({ theirs: undefined, ours: event }));
    rows.push({ theirs: theirs[i], ours: ours[j] });
    [left, right] = [i + 1, j + 1];
  }
  theirs.slice(left).forEach((event) => rows.push({ theirs: event, ours: undefined }));
  ours.slice(right).forEach((event) => rows.push({ theirs: undefined, ours: event }));
  return rows;
}

/** The name of a stream event, without the ids of subgraphs. */
const eventOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value.event === 'string' && 'data' in value ? withoutIds(value.event) : undefined;

/** Positions of the longest common subsequence in both lists. */
function commonSubsequence(left: unknown[], right: unknown[]): [number, number][] {
  const length = left.map(() => right.map(() => 0));
  const at = (i: number, j: number): number => length[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      length[i][j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const places: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < left.length && j < right.length;) {
    if (left[i] === right[j]) {
      places.push([i++, j++]);
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return places;
}

/** Replaces strings that legitimately differ between the servers. */
export function replacePlaces(value: unknown, places: [from: string, to: string][]): unknown {
  return mapTexts(value, (text) => places.reduce((result, [from, to]) => result.replaceAll(from, to), text));
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') {
    return change(value);
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item) => mapTexts(item, change));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapTexts(item, change)]))
    : value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
