export type Sdk = 'JavaScript' | 'Python';

interface Excuse {
  /** Who sends it. */
  sdks: Sdk[];
  /** The method of the SDK. */
  by: RegExp;
  /** Request, and what of it. */
  what: RegExp;
  because: string;
}

/** What an SDK sends and we leave unread, and why. An entry that no request needs any more fails the suite. */
export const UNREAD_ON_PURPOSE: Excuse[] = [
  {
    sdks: ['JavaScript', 'Python'],
    by: /^runs\.(create|stream|wait)$/,
    what: /^POST \/runs(\/\w+)?: body\.(checkpoint|checkpoint_id|if_not_exists)$/,
    because: 'a run without a thread has no past to begin from (contract 1.3: threads only)',
  },
  {
    sdks: ['JavaScript', 'Python'],
    by: /^runs\.(create|stream|wait)$/,
    what: /^POST \/threads\/[^/]+\/runs(\/\w+)?: body\.on_completion$/,
    because: 'a thread that is there before the run stays (contract 1.3: stateless runs)',
  },
  {
    sdks: ['JavaScript'],
    by: /^runs\.createBatch$/,
    what: /: body\[0\]\._langsmith_tracer$/,
    because: 'the SDK puts its own object there, which is no langsmith_tracer',
  },
  {
    sdks: ['Python'],
    by: /^runs\.wait$/,
    what: /: body\.raise_error$/,
    because: 'Python 0.2.9 sends what it does itself with a failure',
  },
  {
    sdks: ['JavaScript'],
    by: /^crons\./,
    what: /: body\.if_not_exists$/,
    because: 'crons run on threads that are there, or on new ones (contract 1.5: ignore)',
  },
  {
    sdks: ['JavaScript'],
    by: /^runs\.joinStream$/,
    what: /: query checkpoint_id$/,
    because: 'the SDK lets servers send the whole run instead, and copes with what it has seen',
  },
];
