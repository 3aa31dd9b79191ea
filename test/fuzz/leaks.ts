import path from 'node:path';
import { MAIN } from '../support/server.js';

/** Planted in the environment and in a file of the project: no response may contain them. */
export const SECRETS = {
  FUZZ_SECRET: 'planted-in-the-environment',
  file: 'planted-in-a-file',
  key: 'planted-key-of-another-user',
};

const ROOT = path.resolve(path.dirname(MAIN), '../..');

/** Patterns that no response may contain. No request of the suite contains them. */
const LEAKS: [what: string, pattern: RegExp | string][] = [
  ['a secret of the environment', SECRETS.FUZZ_SECRET],
  ['a file of the project', SECRETS.file],
  ['a key of another user', SECRETS.key],
  ['a file of the machine', 'root:x:0:0'],
  ['a path of the server', ROOT],
  ['a path of the server', 'node_modules/'],
  ['a path of the project', 'nestgraph-project-'],
  ['a path of the database', 'nestgraph-test-'],
  ['a line of a stack', /\n? {4}at (async )?[\w.<>$ ]+ \(?[^\s)]+:\d+:\d+\)?/],
  ['a line of a stack', /\\n {4}at /],
  ['SQL', /\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM) /],
  [
    'a message of PostgreSQL',
    /syntax error at or near|invalid input syntax for|duplicate key value|violates \w+(-\w+)? constraint|relation "\w+"|unsupported Unicode escape|invalid byte sequence|QueryFailedError/,
  ],
  ['a prototype that was changed', '"polluted":true'],
  ["a header of the client's making", /^x-injected:/im],
];

/** The leak in a response, if any. `sent` is the request, which the client already knows. */
export function leakOf(answer: string, sent: string): string | undefined {
  const leak = LEAKS.find(([, pattern]) =>
    typeof pattern === 'string' ? answer.includes(pattern) && !sent.includes(pattern) : pattern.test(answer),
  );
  return leak?.[0];
}
