import { describe, expect, it } from '@jest/globals';
import { ValidationFailedError } from '../common/index.js';
import { isIndex, textsAt } from './text-paths.js';

const VALUE = {
  title: 'Parrots',
  pages: 12,
  sold: false,
  nothing: null,
  blank: ' ',
  author: { name: 'Ada', born: { year: 1980 } },
  chapters: [{ text: 'one', tags: ['a', 'b'] }, { text: 'two' }, {}],
  'odd key': 'odd',
};

describe('textsAt', () => {
  it.each<[string, string[]]>([
    ['title', ['Parrots']],
    ['pages', ['12']],
    ['sold', ['false']],
    ['nothing', []],
    ['blank', []],
    ['missing.name', []],
    ['author.name', ['Ada']],
    ['author.born', [JSON.stringify({ year: 1980 }, null, 2)]],
    ['chapters[*].text', ['one', 'two']],
    ['chapters[0].text', ['one']],
    ['chapters[-2].text', ['two']],
    ['chapters[9].text', []],
    ['chapters[x].text', []],
    ['chapters[*].tags[*]', ['a', 'b']],
    ['chapters.text', []],
    ['author[0]', []],
    ['author.*', ['Ada', JSON.stringify({ year: 1980 }, null, 2)]],
    ['{title,author.name}', ['Parrots', 'Ada']],
    ['author.{name,born.year}', ['Ada', '1980']],
    ['odd key', ['odd']],
    ['$.title', ['Parrots']],
    ['$', [JSON.stringify(VALUE, null, 2)]],
    ['constructor.name', []],
  ])('returns the texts at %s', (path, texts) => {
    expect(textsAt(VALUE, [path])).toEqual(texts);
  });
});

it.each([true, 'title', [1], [''], ['a\0'], Array.from({ length: 101 }, () => 'a'), ['a'.repeat(1001)]])(
  '%j is no index',
  (value) => {
    expect(isIndex(value)).toBe(false);
  },
);

describe('the texts that the paths of one value select', () => {
  const nested = (levels: number): object => (levels === 0 ? { a: 'x' } : { a: nested(levels - 1) });

  it('are returned once, however many paths select them', () => {
    expect(textsAt({ a: 'x', b: 'x' }, ['a', 'b', '{a,a}', '*'])).toEqual(['x']);
  });

  it.each<[string, unknown, string[]]>([
    ['paths that multiply', nested(40), ['{a,a}'.repeat(40)]],
    ['many values as one text', { list: Array(10_001).fill(0) }, ['$']],
    ['many texts', { list: Array.from({ length: 10_001 }, String) }, ['list[*]']],
    [
      'long texts, again and again',
      { text: 'x'.repeat(1_000_000) },
      Array.from({ length: 11 }, (_, at) => `{text,missing ${at}}`),
    ],
  ])('are limited: %s', (_, value, paths) => {
    expect(() => textsAt(value, paths)).toThrow(ValidationFailedError);
  });

  it('may be a whole document', () => {
    expect(textsAt({ chapters: Array(1_000).fill({ text: 'x'.repeat(1_000) }) }, ['$'])).toHaveLength(1);
  });
});
