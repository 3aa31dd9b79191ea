import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Sources and documents that must use the words of the field. */
const PLACES = [
  ...['src', 'migrations', 'test', 'scripts', 'bench', 'examples', 'docker', '.github', 'docs'],
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'openapi.json', 'eslint.config.js'],
];
const CHECKED = /\.(tsx?|mts|[cm]?js|py|md|json|ya?ml)$/;

/** Folders of installed packages, and of files that tests and servers write. */
const GENERATED = ['node_modules', 'results', '.nestgraph', '.venv', '__pycache__'];

/** The guide and this file quote the phrases beside what to write instead. */
const EXEMPT = ['docs/writing.md', 'test/language.spec.ts'];

interface Rule {
  pattern: RegExp;
  /** What to write instead. */
  instead: string;
  /** Examples that the rule must find. */
  finds: readonly string[];
  /** Correct sentences that the rule must not find. */
  allows?: readonly string[];
}

/** Few and certain: a rule without false alarms, or no rule. */
const RULES: readonly Rule[] = [
  {
    // Between quotes it is a name, such as that of the Unix account.
    pattern: /(?<![`'"])\b(?:whoever|somebody|nobody|everybody)\b|\b(?:whoever|somebody|nobody|everybody)\b(?![`'"])/i,
    instead: 'the client, the caller, another user, no client (constant: ANONYMOUS)',
    finds: ['Nobody waits.', 'whoever calls', 'const NOBODY = 1;', "somebody's run"],
    allows: ['The account `nobody`.', "const account = 'nobody';"],
  },
  {
    pattern: /\ba text\b(?![/-]| (?:area|editor|embedding|field|file|search)\b)/i,
    instead: 'a string',
    finds: ['must be a text of 3 bytes', 'a list or a text'],
    allows: ['a text/plain body', 'a text file', 'plain text'],
  },
  {
    pattern: new RegExp(
      [
        String.raw`\b(?:open|pending) questions?\b`,
        String.raw`\bquestions? (?:of|from) (?:an?|the|its|this|all|each) (?:graph|node|run|state|task|thread)s?\b`,
        String.raw`\bquestions? that waits?\b`,
        String.raw`\banswer(?:s|ed|ing)?(?: to)? (?:an?|the|its|that|this)(?: next)? questions?\b`,
        String.raw`\bstops? at (?:an?|the) question\b`,
        String.raw`\bquestions(?=[A-Z])|[a-z]Questions?\b`,
      ].join('|'),
      'i',
    ),
    instead: 'interrupt, pending interrupts; resume value for the answer',
    finds: ['Open questions are listed.', 'answers a question', 'const questionsByTask = 1;', 'stops at a question'],
    allows: ['**Question.** How are leases renewed?', 'const State = { question: string };'],
  },
  {
    pattern: /\b(?:broken|breaks?|breaking|broke) off\b|\bbreakOff/i,
    instead: 'disconnects, aborts, closed early',
    finds: ['The stream is broken off.', 'breaking off streams', 'breakOffResponses()'],
  },
  {
    pattern: /\b(?:is|are|was|were) away\b/i,
    instead: 'is unavailable',
    finds: ['Redis is away'],
    allows: ['The lease runs away.'],
  },
  {
    pattern: /\blook(?:s|ed|ing)? at the queue\b/i,
    instead: 'poll, polls',
    finds: ['One look at the queue', 'looks at the queue'],
  },
  { pattern: /\bwithout hope\b/i, instead: 'out of retries', finds: ['runs without hope'] },
  { pattern: /\bwished for\b/i, instead: 'requested', finds: ['the modes that were wished for'] },
  { pattern: /\breckon(?:s|ed|ing)?\b/i, instead: 'compute, computed', finds: ['is reckoned anew'] },
  {
    pattern: /\bhalf a? ?(?:character|surrogate)s?\b/i,
    instead: 'unpaired surrogate',
    finds: ['NUL or half characters', 'half a character'],
  },
  {
    pattern: /\b(?:go|goes|going|went) on elsewhere\b/i,
    instead: 'resumes, continues on another worker',
    finds: ['a run that goes on elsewhere'],
  },
  {
    pattern: /\bMOST_(?=[A-Z])|\bLONGEST_(?=[A-Z])/,
    instead: 'MAX_',
    finds: ['const MOST_ITEMS = 3;', 'LONGEST_SECONDS'],
    allows: ['almost_all'],
  },
  { pattern: /\bSHORTEST_(?=[A-Z])/, instead: 'MIN_', finds: ['SHORTEST_KEY'] },
  {
    pattern: /\b(?:[A-Z]+_)?PATIENCE_MS\b|\bpatience_ms\b/,
    instead: '…_TIMEOUT_MS, retry budget',
    finds: ['PATIENCE_MS', 'REDIS_PATIENCE_MS'],
  },
  { pattern: /\b(?:[A-Z]+_)?LOOK_MS\b/, instead: 'POLL_INTERVAL_MS', finds: ['LOOK_MS', 'FIRST_LOOK_MS'] },
  { pattern: /\banybody\b/i, instead: 'any client, any caller', finds: ['What may anybody send?'] },
  { pattern: /\bpatience\b/i, instead: 'timeout, retry budget', finds: ['when its patience is at an end'] },
  { pattern: /\btid(?:y|ies|ied|ying) up\b/i, instead: 'clean up, sweep', finds: ['tidies up after a process'] },
  {
    pattern: /\b(?:falls?|fell|falling) asleep\b/i,
    instead: 'idles, waits for a notification',
    finds: ['a worker falls asleep'],
  },
  { pattern: /\bhears? of\b/i, instead: 'is notified of', finds: ['the worker hears of it'] },
  { pattern: /\bdepartures? of\b/i, instead: 'disconnect, disconnects', finds: ['departures of clients'] },
  { pattern: /\bout of reach\b/i, instead: 'is unavailable', finds: ['the database is out of reach'] },
  {
    pattern: /\bg[ai]v(?:es?|en|ing) (?:an?|the|its|their|this) runs? back\b|\bruns? (?:is|are|was|were) given back\b/i,
    instead: 'release',
    finds: ['gives a run back', 'runs are given back'],
  },
  {
    pattern: /\banswer to (?:an?|the|its) COMMIT\b/i,
    instead: 'the outcome of the COMMIT is unknown (ambiguous commit)',
    finds: ['the answer to its COMMIT was lost'],
  },
  {
    pattern: /\b(?:is|are|was|were|been) asked for\b/i,
    instead: 'is requested',
    finds: ['what is asked for', 'a run was asked for'],
  },
  {
    pattern: /\bmoment has come\b/i,
    instead: '`due_at` has passed',
    finds: ['when its moment has come'],
  },
];

function filesBelow(place: string): string[] {
  const absolute = path.join(ROOT, place);
  if (!existsSync(absolute)) {
    return [];
  }
  return statSync(absolute).isDirectory()
    ? readdirSync(absolute)
        .filter((name) => !GENERATED.includes(name))
        .flatMap((name) => filesBelow(path.join(place, name)))
    : [place].filter((file) => CHECKED.test(file));
}

/** Every violation as `file:line: "word": write replacement`. */
function violations(file: string): string[] {
  const lines = readFileSync(path.join(ROOT, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => inLine(line).map((found) => `${file}:${index + 1}: ${found}`));
}

const GLOBAL_RULES = RULES.map(({ pattern, instead }) => ({
  pattern: new RegExp(pattern, `${pattern.flags}g`),
  instead,
}));

const inLine = (line: string): string[] =>
  GLOBAL_RULES.flatMap(({ pattern, instead }) =>
    Array.from(line.matchAll(pattern), ([words]) => `"${words}": write ${instead}`),
  );

describe('the language guard', () => {
  it.each(RULES.flatMap(({ finds }) => finds.map((sentence) => [sentence])))('finds: %s', (sentence) => {
    expect(inLine(sentence)).toHaveLength(1);
  });

  it.each(RULES.flatMap(({ allows = [] }) => allows.map((sentence) => [sentence])))('allows: %s', (sentence) => {
    expect(inLine(sentence)).toEqual([]);
  });
});

it('sources and documents use the words of the field', () => {
  const files = PLACES.flatMap(filesBelow).filter((file) => !EXEMPT.includes(file));
  const found = files.flatMap(violations);

  // One string, so that the report lists all violations at once.
  expect(found.join('\n')).toBe('');
});
