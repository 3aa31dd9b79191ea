import { describe, expect, it } from '@jest/globals';
import { Annotation, entrypoint, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import type { CompiledGraph } from '../graphs/graph.js';
import { combineSchemas, type KnownSchemas } from './graph-schemas.js';
import { channelSchemas, runtimeSchemas } from './runtime-schemas.js';

type AnyState = ReturnType<typeof Annotation.Root<Record<string, never>>>;

const compiled = (declared: object): CompiledGraph =>
  new StateGraph(declared as AnyState)
    .addNode('do', () => ({}))
    .addEdge(START, 'do')
    .compile() as unknown as CompiledGraph;

const keysOf = (schemas: KnownSchemas): object =>
  Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, schema && Object.keys(schema.properties as object)]),
  );

const NOTHING = { input: undefined, output: undefined, state: undefined, config: undefined };

describe('the runtime schemas of a graph', () => {
  const none = (problem: string): never => {
    throw new Error(problem);
  };

  it('are empty when the state is defined by annotations', () => {
    expect(runtimeSchemas(compiled(Annotation.Root({ path: Annotation<string>() })), none)).toEqual(NOTHING);
  });

  it('are empty for a workflow', () => {
    const workflow = entrypoint({ name: 'w' }, (input: number) => Promise.resolve(input)) as unknown as CompiledGraph;
    expect(runtimeSchemas(workflow, none)).toEqual(NOTHING);
    expect(channelSchemas(workflow)).toEqual({ input: undefined, output: undefined, state: undefined });
  });

  it.each([
    ['version 3', z3.object({ name: z3.string(), size: z3.number() })],
    ['version 4', z.object({ name: z.string(), size: z.number() })],
  ])('are complete when the state is defined with Zod %s', (_version, state) => {
    const schemas = runtimeSchemas(compiled(state), none);
    expect(keysOf(schemas)).toEqual({
      ...NOTHING,
      input: ['name', 'size'],
      output: ['name', 'size'],
      state: ['name', 'size'],
    });
    expect(schemas.state).toHaveProperty('required', ['name', 'size']);
    expect(schemas.input).not.toHaveProperty('required');
  });

  it('do not use the state schema for input and output that are defined differently', () => {
    const state = new StateSchema({ question: z.string(), answer: z.string() });
    const input = Annotation.Root({ question: Annotation<string>() });
    const output = Annotation.Root({ answer: Annotation<string>() });
    const graph = compiled({ state, input, output });
    expect(keysOf(runtimeSchemas(graph, none))).toEqual({ ...NOTHING, state: ['question', 'answer'] });
    expect(keysOf(channelSchemas(graph))).toEqual({
      input: ['question'],
      output: ['answer'],
      state: ['question', 'answer'],
    });
  });

  it('holds the fields of Zod 3 in a StateSchema, and names those that nothing describes', () => {
    const undescribed = { '~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => ({ value }) } };
    const fields = { todos: z3.array(z3.string()).default([]), name: z.string(), secret: undescribed };
    const { input, output, state } = runtimeSchemas(compiled(new StateSchema(fields as never)), none);
    const properties = { todos: { type: 'array', items: { type: 'string' } }, name: { type: 'string' }, secret: {} };
    expect([input, output, state]).toMatchObject([{ properties }, { properties }, { properties }]);
  });

  it('contain only the input when only the input is defined with Zod', () => {
    const state = Annotation.Root({ question: Annotation<string>(), answer: Annotation<string>() });
    const graph = compiled({ state, input: z.object({ question: z.string() }) });
    expect(keysOf(runtimeSchemas(graph, none))).toEqual({ ...NOTHING, input: ['question'] });
  });

  it('omit types that JSON Schema cannot express, and report the reason', () => {
    const problems: string[] = [];
    const schemas = runtimeSchemas(compiled(z.object({ due: z.date() })), (problem) => problems.push(problem));
    expect(schemas).toEqual(NOTHING);
    expect(problems).toEqual(expect.arrayContaining([expect.stringMatching(/Date cannot be represented/)]));
  });
});

it('takes each schema from the best source, and null if no source has it', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((title) => ({ title }));
  expect(combineSchemas({ state: a }, { state: b, config: b }, { config: c, input: c })).toEqual({
    state_schema: a,
    config_schema: b,
    context_schema: b,
    input_schema: c,
    output_schema: null,
  });
});
