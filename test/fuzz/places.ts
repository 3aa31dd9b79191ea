/** Ids of resources that belong together. Requests for existing resources use them. */
export interface Place {
  thread_id: string;
  run_id: string;
  checkpoint_id: string;
  /** Of a subgraph, or empty. */
  checkpoint_ns: string;
  assistant_id: string;
  cron_id: string;
}

export type Kind = keyof Place;

const MISSING_PLACE: Place = {
  thread_id: '0192f0c1-0000-7000-8000-00000000dead',
  run_id: '0192f0c1-0000-7000-8000-00000000beef',
  checkpoint_id: '1f000000-0000-6000-8000-000000000000',
  checkpoint_ns: '',
  assistant_id: 'echo',
  cron_id: '0192f0c1-0000-7000-8000-00000000cafe',
};

const MAX_PLACES = 200;

/** The newest places of a server. */
export class Places {
  private readonly places: Place[] = [];
  private added = 0;

  /** Requests never use the threads in `spared`. */
  constructor(private readonly spared: string[]) {}

  at(index: number): Place {
    return this.places[index % this.places.length] ?? MISSING_PLACE;
  }

  /** Unknown ids are copied from the last place; a thread has its own runs and checkpoints. */
  add(known: Partial<Place>): void {
    const same = this.places.find(({ thread_id }) => thread_id === known.thread_id);
    if (same) {
      Object.assign(same, known);
      return;
    }
    const last = this.places[(this.added + MAX_PLACES - 1) % MAX_PLACES] ?? MISSING_PLACE;
    const { assistant_id, cron_id } = last;
    const inherited = known.thread_id ? { ...MISSING_PLACE, assistant_id, cron_id } : last;
    this.places[this.added % MAX_PLACES] = { ...inherited, ...known };
    this.added += 1;
  }

  /** Records the ids in a response. */
  learn(head: string, body: string): void {
    const [, thread_id, run_id] =
      /^content-location: (?:\/threads\/([\w-]{36}))?\/runs\/([\w-]{36})/im.exec(head) ?? [];
    const known = { ...idsOf(body), ...(run_id && { run_id }), ...(thread_id && { thread_id }) };
    if (this.spared.includes(known.thread_id ?? '')) {
      return;
    }
    if (known.thread_id ?? known.cron_id ?? known.assistant_id ?? known.run_id) {
      this.add(known);
    }
  }
}

function idsOf(body: string): Partial<Place> {
  const kinds: Kind[] = ['thread_id', 'run_id', 'checkpoint_id', 'assistant_id', 'cron_id'];
  const found = kinds.map((kind) => [kind, new RegExp(`"${kind}":"([0-9a-f-]{36})"`).exec(body)?.[1]] as const);
  return Object.fromEntries(found.filter(([, id]) => id));
}
