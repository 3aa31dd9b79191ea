import { describe, expect, it } from '@jest/globals';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { jsonbText, toWire, toWireJson } from './json.js';

describe('toWireJson', () => {
  it('flattens messages at any depth and adds the tool call lists of AI messages', () => {
    const state = {
      messages: [new HumanMessage('hi'), new AIMessage({ content: 'yo', id: 'm1' })],
      nested: [[new HumanMessage('x')]],
    };
    expect(toWire(state)).toMatchObject({
      messages: [
        { type: 'human', content: 'hi' },
        { type: 'ai', content: 'yo', id: 'm1', tool_calls: [], invalid_tool_calls: [] },
      ],
      nested: [[{ type: 'human', content: 'x' }]],
    });
    expect(toWireJson(state)).not.toContain('"lc"');
  });

  it('writes null for what JSON cannot express', () => {
    expect(toWireJson(undefined)).toBe('null');
  });

  it('writes a big integer as a string instead of failing', () => {
    expect(toWire({ n: 12345678901234567890n })).toEqual({ n: '12345678901234567890' });
  });

  it('writes an error as its name and message', () => {
    expect(toWire({ cause: new TypeError('no') })).toEqual({ cause: { error: 'TypeError', message: 'no' } });
  });
});

describe('jsonbText', () => {
  it.each([
    ['a\u0000b', 'a\ufffdb'],
    ['\ud800', '\ufffd'],
    ['\\u0000', '\\u0000'],
    ['\\\u0000', '\\\ufffd'],
    ['\ud83d\ude00', '\ud83d\ude00'],
  ])('makes %j valid for jsonb', (text, expected) => {
    expect(JSON.parse(jsonbText(JSON.stringify(text)))).toBe(expected);
  });
});
