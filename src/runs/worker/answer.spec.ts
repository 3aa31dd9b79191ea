import { describe, expect, it } from '@jest/globals';
import { answerOf } from './answer.js';

describe('answerOf', () => {
  const question = [{ id: 'i', value: 'why?' }];
  const links = { helpful: 'https://langsmith.example/1' };

  it.each([
    ['the last state', answerOf('{"a":1}', undefined), { a: 1 }],
    ['an object when there is no state', answerOf(undefined, undefined), {}],
    ['an object instead of null', answerOf('null', undefined), {}],
    ['a list for a list state', answerOf('[1]', undefined), [1]],
    ['state and open questions', answerOf('{"a":1}', question), { a: 1, __interrupt__: question }],
    ['open questions alone', answerOf('{}', question), { __interrupt__: question }],
    ['an empty list at a static breakpoint', answerOf('{"a":1}', []), { a: 1, __interrupt__: [] }],
    [
      'the error, whatever the state',
      answerOf('{"a":1}', undefined, { error: 'E', message: 'm' }),
      { __error__: { error: 'E', message: 'm' } },
    ],
    ['links for feedback', answerOf('{"a":1}', undefined, undefined, links), { a: 1, __feedback__: links }],
    ['links alone', answerOf('{}', undefined, undefined, links), { __feedback__: links }],
    [
      'questions and links',
      answerOf('{"a":1}', question, undefined, links),
      { a: 1, __interrupt__: question, __feedback__: links },
    ],
    ['a list without links', answerOf('[1]', undefined, undefined, links), [1]],
    [
      'the error and links',
      answerOf(undefined, undefined, { error: 'E', message: 'm' }, links),
      { __error__: { error: 'E', message: 'm' }, __feedback__: links },
    ],
  ])('gives %s', (_, answer, expected) => {
    expect(JSON.parse(answer)).toEqual(expected);
  });
});
