import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Where citations are looked for. */
const CITING = ['src', 'test', 'bench', 'scripts', 'migrations', 'examples', 'docker', 'docs', '.ci'];
const CITING_FILES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md'];
const TEXT = /\.(ts|tsx|mjs|cjs|js|json|md|sql|py|yaml|yml|html)$|\/(Dockerfile|run)$/;

const httpApi = read('docs/contract/http-api.md');
const behaviours = read('docs/contract/behaviours.md');
const nextProtocols = read('docs/contract/next-protocols.md');
const decisions = readdirSync(path.join(ROOT, 'docs/decisions'));

const has = (text: string, line: RegExp): boolean => line.test(text);

/** The text of a second-level section, with everything below it. */
const sectionOf = (page: string, number: string): string =>
  page.split(/^(?=## )/m).find((part) => new RegExp(`^## ${number}[. ]`).test(part)) ?? '';

const hasHeading = (page: string, number: string): boolean =>
  has(page, new RegExp(`^#{2,3} ${number.replace('.', '\\.')}[. ]`, 'm'));

/** A section; a rule of section 0.4; a row of section 7, whose differences are one table. */
function isInHttpApi(place: string): boolean {
  const rule = /^R(\d+)$/.exec(place);
  if (rule) {
    return has(sectionOf(httpApi, '0'), new RegExp(`^\\| R${rule[1]} \\|`, 'm'));
  }
  const row = /^7\.(\d+)$/.exec(place);
  return row ? has(sectionOf(httpApi, '7'), new RegExp(`^\\| ${row[1]} \\|`, 'm')) : hasHeading(httpApi, place);
}

/** A section, or a numbered item of one: items are numbered through a section's parts. */
function isInBehaviours(place: string): boolean {
  const [section, item] = place.split('.');
  const text = sectionOf(behaviours, section);
  return text !== '' && (item === undefined || has(text, new RegExp(`^${item}\\. `, 'm')));
}

const PAGES: Record<string, (place: string) => boolean> = {
  contract: isInHttpApi,
  'http-api': isInHttpApi,
  behaviours: isInBehaviours,
  'next-protocols': (place) => hasHeading(nextProtocols, place),
  decision: (place) => decisions.some((file) => file.startsWith(`${place.padStart(4, '0')}-`)),
};

const PLACE = String.raw`(?:R\d+|\d+(?:\.\d+)?)\b(?![-:%\w])`;
/** `contract 1.3, 2.4`, `Behaviours 4 and 5`, `[behaviours.md](behaviours.md) 8.9/8.10`, `decision [27](...)`. */
const CITATION = new RegExp(
  String.raw`\b(contract|http-api|behaviours|next-protocols|decision)(?:\.md)?(?:\]\([^)]*\))?,? \[?(?:sections? )?` +
    String.raw`(${PLACE}(?:(?:, | and |/| to | )${PLACE})*)`,
  'gi',
);

interface Citation {
  page: string;
  place: string;
}

/** The citations in a file. One may continue on the next line of a comment. */
function citationsIn(text: string): Citation[] {
  const flowing = text.replace(/\s*\n\s*(\*(?!\/)|\/\/|#)?\s*/g, ' ');
  return [...flowing.matchAll(CITATION)].flatMap(([, page, places]) =>
    [...places.matchAll(new RegExp(PLACE, 'g'))].map(([place]) => ({ page: page.toLowerCase(), place })),
  );
}

const isKnown = ({ page, place }: Citation): boolean => PAGES[page](place);

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => !/(^|\/)(node_modules|results|\.nestgraph|\.venv)\//.test(name))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .filter((name) => TEXT.test(`/${name}`) && statSync(path.join(ROOT, name)).isFile());
}

const files = [...CITING.flatMap(filesIn), ...CITING_FILES].filter((file) => file !== 'test/citations.spec.ts');
const found = files.flatMap((file) => citationsIn(read(file)).map((citation) => ({ file, ...citation })));

describe('citations', () => {
  it('of the contract, of behaviours and of decisions lead to a place that exists', () => {
    const dead = found.filter((citation) => !isKnown(citation));

    expect(dead.map(({ file, page, place }) => `${file}: ${page} ${place}`)).toEqual([]);
  });

  it.each([
    ['contract', 100],
    ['behaviours', 40],
    ['decision', 10],
  ])('of %s are found', (page, least) => {
    expect(found.filter((citation) => citation.page === page).length).toBeGreaterThan(least);
  });

  it.each([
    ['(contract 1.3)', [true]],
    ['(contract 0.4 R2, R13)', [true, true, false]],
    ['Contract 0.3,\n * R3, 7.50 and 7.51', [true, true, true, false]],
    ['contract 9', [false]],
    ['[behaviours.md](behaviours.md) 8.9/8.99', [true, false]],
    ['behaviours 2.17 a to', [true]],
    ['behaviours 14', [false]],
    ['next-protocols 1.9, 1.12', [true, false]],
    ['decision 1, decision [99](x.md)', [true, false]],
    ['a contract of 3 pages; decisions 1', []],
  ])('in %j are told from dead ones', (text, expected) => {
    expect(citationsIn(text).map(isKnown)).toEqual(expected);
  });
});

/** Links of the documents to files, and to headings of pages. */
describe('links', () => {
  const pages = files.filter((file) => file.endsWith('.md'));
  const slug = (heading: string): string =>
    heading
      .replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
  const anchorsOf = (page: string): string[] => [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) => slug(text));

  it.each(pages)('of %s lead to files and headings of the repository', (page) => {
    const text = read(page).replace(/```.*?```/gs, '');
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link]) => link);
    const dead = links.filter((link) => {
      const [file, anchor] = link.split('#');
      const target = file === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
      try {
        statSync(path.join(ROOT, target));
      } catch {
        return true;
      }
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });

    expect(dead).toEqual([]);
  });
});
