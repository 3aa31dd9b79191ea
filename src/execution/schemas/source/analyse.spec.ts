import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { analyse, type SourceAnalysis, type SourceSchemas } from './analyse.js';

const MESSAGE = 'BaseMessage<MessageStructure<MessageToolSet>,MessageType>';
const MESSAGES = { type: 'array', items: { $ref: `#/definitions/${MESSAGE}` } };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'nestgraph-schemas-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Analyses `graph` of the first file. Each test uses its own folder. */
function analyseFiles(files: Record<string, string>, export_name = 'graph'): SourceAnalysis {
  const own = mkdtempSync(path.join(folder, 'project-'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(own, name), content);
  }
  return analyse(path.join(own, Object.keys(files)[0]), export_name);
}

const namespaces = ({ schemas }: SourceAnalysis): string[] => schemas.map(({ namespace }) => namespace);

const at = ({ schemas }: SourceAnalysis, namespace: string): SourceSchemas =>
  schemas.find((each) => each.namespace === namespace)!;

const propertiesOf = (schema: object | undefined): Record<string, unknown> =>
  (schema as { properties: Record<string, unknown> }).properties;

const IMPORTS = `
  import { type BaseMessage, HumanMessage } from '@langchain/core/messages';
  import { Annotation, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
`;

const BUILDER = `${IMPORTS}
  const builder = new StateGraph(MessagesAnnotation)
    .addNode('speak', () => ({ messages: [new HumanMessage('x')] }))
    .addEdge(START, 'speak');
`;

/** A subgraph with a distinctive state. */
const WEATHER = `
  const Weather = Annotation.Root({ ...MessagesAnnotation.spec, kind: Annotation<'weather' | 'other'> });
  const weather = new StateGraph(Weather).addNode('look', () => ({})).addEdge(START, 'look')`;

describe('schemas of an exported', () => {
  it.each([
    ['compiled graph', 'builder.compile()'],
    ['builder', 'builder'],
    ['promise of a compiled graph', '(async () => builder.compile())()'],
    ['promise of a builder', 'Promise.resolve(builder)'],
    ['function that returns a compiled graph', '() => builder.compile()'],
    ['function that returns a builder', '() => builder'],
    ['function that returns a promise of a compiled graph', 'async () => builder.compile()'],
    ['function that returns a promise of a builder', 'async () => builder'],
  ])('%s are derived', (_what, expression) => {
    const { schemas, warnings } = analyseFiles({ 'graph.ts': `${BUILDER} export const graph = ${expression};` });

    expect(warnings).toEqual([]);
    expect(schemas).toHaveLength(1);
    const [{ input, output, state, config }] = schemas;
    for (const schema of [input, output, state]) {
      expect(schema).toMatchObject({
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: { messages: MESSAGES },
        definitions: {
          [MESSAGE]: { type: 'object', description: expect.stringContaining('Base class for all types of messages') },
        },
      });
    }
    expect(config).toEqual({ type: 'object', $schema: 'http://json-schema.org/draft-07/schema#' });
  });

  it('function with different graphs are derived for each graph', () => {
    const { schemas } = analyseFiles({
      'graph.ts': `${BUILDER} ${WEATHER};
        export const graph = (config: { deep?: boolean }) => (config.deep ? weather.compile() : builder.compile());`,
    });
    expect(schemas.map(({ state }) => Object.keys(propertiesOf(state)).sort())).toEqual([
      ['kind', 'messages'],
      ['messages'],
    ]);
  });

  it('default export and of a CommonJS export are derived', () => {
    const esm = { 'graph.mjs': `${BUILDER.replace('type BaseMessage, ', '')} export default builder.compile();` };
    const commonJs = {
      'graph.cjs': `const { Annotation, START, StateGraph } = require('@langchain/langgraph');
        const State = Annotation.Root({ total: Annotation({ reducer: (a, b) => a + b, default: () => 0 }) });
        exports.graph = () => new StateGraph(State).addNode('add', () => ({ total: 1 })).addEdge(START, 'add').compile();`,
    };
    expect(propertiesOf(analyseFiles(esm, 'default').schemas[0].state)).toEqual({ messages: MESSAGES });
    expect(propertiesOf(analyseFiles(commonJs).schemas[0].state)).toEqual({ total: { type: 'number' } });
  });

  it.each([
    ['any', 'builder.compile() as any'],
    ['a graph of any', 'builder.compile() as CompiledStateGraph<any, any, any>'],
    [
      'a graph of records',
      'builder.compile() as unknown as CompiledStateGraph<Record<string, any>, Record<string, any>>',
    ],
    ['a Pregel of any', 'builder.compile() as unknown as Pregel<any, any>'],
    ['a function of any', '(): any => builder.compile()'],
  ])('%s are not derived from the source', (_what, expression) => {
    const { schemas } = analyseFiles({
      'graph.ts': `${BUILDER} import type { CompiledStateGraph, Pregel } from '@langchain/langgraph';
        export const graph = ${expression};`,
    });
    for (const { input, output, state } of schemas) {
      expect([input, output, state]).toEqual([undefined, undefined, undefined]);
    }
  });

  it('other value do not exist', () => {
    expect(analyseFiles({ 'graph.ts': 'export const graph = { nodes: [] };' }).schemas).toEqual([]);
    expect(analyseFiles({ 'graph.ts': 'export const other = 1;' }).warnings).toEqual([
      expect.stringMatching(/no export "graph"/),
    ]);
  });
});

describe('the types of channels', () => {
  const stateOf = (fields: string, more = ''): Record<string, unknown> => {
    const analysis = analyseFiles({
      'graph.ts': `${IMPORTS} ${more}
        const State = Annotation.Root({ ${fields} });
        export const graph = new StateGraph(State).addNode('do', () => ({})).addEdge(START, 'do').compile();`,
    });
    return at(analysis, '').state!;
  };

  it('are converted to JSON schemas', () => {
    const state = stateOf(
      `text: Annotation<string>(), number: Annotation<number>(), flag: Annotation<boolean>(), nothing: Annotation<null>(),
       choice: Annotation<'a' | 'b'>(), only: Annotation<'a'>(), level: Annotation<1 | 2 | 'max'>(), enumerated: Annotation<Colour>(),
       list: Annotation<string[]>(), pair: Annotation<[string, number?]>(), rest: Annotation<[string, ...number[]]>(),
       either: Annotation<string | number>(), nullable: Annotation<string | null>(), optional: Annotation<string | undefined>(),
       map: Annotation<Record<string, number>>(), free: Annotation<Record<string, unknown>>(), anything: Annotation<any>(),
       date: Annotation<Date>(), template: Annotation<\`a-\${string}\`>(), branded: Annotation<string & { brand: 'id' }>(),
       call: Annotation<() => void>()`,
      `enum Colour { red = 'red', blue = 'blue' }`,
    );
    expect(propertiesOf(state)).toEqual({
      text: { type: 'string' },
      number: { type: 'number' },
      flag: { type: 'boolean' },
      nothing: { type: 'null' },
      choice: { type: 'string', enum: ['a', 'b'] },
      only: { type: 'string', const: 'a' },
      level: {
        anyOf: [
          { type: 'number', enum: [1, 2] },
          { type: 'string', enum: ['max'] },
        ],
      },
      enumerated: { type: 'string', enum: ['red', 'blue'] },
      list: { type: 'array', items: { type: 'string' } },
      pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], minItems: 1, maxItems: 2 },
      rest: { type: 'array', items: [{ type: 'string' }], additionalItems: { type: 'number' }, minItems: 1 },
      either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      nullable: { anyOf: [{ type: 'null' }, { type: 'string' }] },
      optional: { type: 'string' },
      map: { type: 'object', additionalProperties: { type: 'number' } },
      free: { type: 'object' },
      anything: {},
      date: { type: 'string', format: 'date-time' },
      template: { type: 'string' },
      branded: { type: 'string' },
    });
    expect(state.required).toEqual(expect.arrayContaining(['text', 'nullable', 'list']));
    expect(state.required).not.toContain('optional');
  });

  it('of objects keep required fields and descriptions, and omit private fields', () => {
    const state = stateOf(
      'place: Annotation<Place>()',
      `class Place {
        /** What people call it. */
        name!: string;
        size?: number;
        private secret = 1;
        grow(): void {}
      }`,
    );
    expect(propertiesOf(state).place).toEqual({
      type: 'object',
      properties: { name: { type: 'string', description: 'What people call it.' }, size: { type: 'number' } },
      required: ['name'],
    });
  });

  it('that contain themselves become definitions', () => {
    const state = stateOf(
      'tree: Annotation<Tree>(), endless: Annotation<Box<string>>()',
      'interface Tree { label: string; children: Tree[] } interface Box<T> { content: T; outer?: Box<T[]> }',
    );
    expect(propertiesOf(state).tree).toEqual({ $ref: '#/definitions/Tree' });
    expect((state.definitions as Record<string, unknown>).Tree).toEqual({
      type: 'object',
      properties: {
        label: { type: 'string' },
        children: { type: 'array', items: { $ref: '#/definitions/Tree' } },
      },
      required: ['label', 'children'],
    });
    expect(propertiesOf(propertiesOf(state).endless as object).content).toEqual({ type: 'string' });
  });

  it('that have a name and occur again become definitions', () => {
    const state = stateOf(
      'from: Annotation<Place>(), to: Annotation<Place[]>(), a: Annotation<Record<string, 1>>(), b: Annotation<Record<string, 1>>()',
      'interface Place { name: string }',
    );
    const place = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    const record = { type: 'object', additionalProperties: { type: 'number', const: 1 } };
    expect(propertiesOf(state)).toEqual({
      from: place,
      to: { type: 'array', items: { $ref: '#/definitions/Place' } },
      a: record,
      b: record,
    });
    expect(state.definitions).toEqual({ Place: place });
  });

  it('that reach half of a library are cut off', () => {
    const imports = `import type { BaseChatModel } from '@langchain/core/language_models/chat_models';`;
    const state = stateOf('model: Annotation<BaseChatModel>(), last: Annotation<string>()', imports);
    expect(JSON.stringify(state).length).toBeLessThan(2_000_000);
    expect(propertiesOf(state)).toMatchObject({ model: { type: 'object' }, last: { type: 'string' } });
  });

  it('of messages become definitions of their wire format', () => {
    const state = stateOf(
      'one: Annotation<BaseMessage>(), last: Annotation<AIMessage | undefined>()',
      `import type { AIMessage } from '@langchain/core/messages';`,
    );
    const definitions = state.definitions as Record<string, { title?: string; oneOf?: { title: string }[] }>;
    expect(propertiesOf(state).one).toEqual({ $ref: `#/definitions/${MESSAGE}` });
    expect(definitions[MESSAGE].oneOf!.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['HumanMessage', 'AIMessage', 'SystemMessage', 'ToolMessage']),
    );
    const { $ref } = propertiesOf(state).last as { $ref: string };
    expect(definitions[$ref.replace('#/definitions/', '')]).toMatchObject({
      title: 'AIMessage',
      properties: { type: { const: 'ai' }, tool_calls: { type: 'array' } },
    });
  });

  it('of input and config are separate', () => {
    const { schemas } = analyseFiles({
      'graph.ts': `${IMPORTS}
        const State = Annotation.Root({ question: Annotation<string>(), answer: Annotation<string>() });
        const Input = Annotation.Root({ question: Annotation<string>() });
        const Output = Annotation.Root({ answer: Annotation<string>() });
        const Settings = Annotation.Root({ model: Annotation<'small' | 'large'>() });
        export const graph = new StateGraph({ stateSchema: State, input: Input, output: Output }, Settings)
          .addNode('do', () => ({})).addEdge(START, 'do').compile();`,
    });
    const [{ input, output, state, config }] = schemas;
    expect(propertiesOf(input)).toEqual({ question: { type: 'string' } });
    expect(propertiesOf(output)).toEqual({ answer: { type: 'string' } });
    expect(Object.keys(propertiesOf(state))).toEqual(['question', 'answer']);
    expect(propertiesOf(config)).toEqual({ model: { type: 'string', enum: ['small', 'large'] } });
  });
});

describe('subgraphs', () => {
  const KIND = { kind: { type: 'string', enum: ['weather', 'other'] }, messages: MESSAGES };
  const parent = (action: string, more = ''): string => `${IMPORTS} ${WEATHER}.compile(); ${more}
    export const graph = new StateGraph(MessagesAnnotation).addNode('child', ${action}).addEdge(START, 'child').compile();`;

  it.each([
    ['given to addNode', 'weather', ''],
    ['called in a function', '(state) => weather.invoke(state)', ''],
    ['called in an async function', 'async (state) => await weather.invoke(state)', ''],
    ['called in a function with a name', 'ask', 'async function ask(state: any) { return weather.invoke(state); }'],
    [
      'streamed in a function',
      'async (state) => { for await (const _ of await weather.stream(state)); return {}; }',
      '',
    ],
    ['given through another variable', 'other', 'const other = weather;'],
  ])('%s are found', (_how, action, more) => {
    const analysis = analyseFiles({ 'graph.ts': parent(action, more) });
    expect(namespaces(analysis)).toEqual(['', 'child']);
    const { input, output, state } = at(analysis, 'child');
    for (const schema of [input, output, state]) {
      expect(propertiesOf(schema)).toEqual(KIND);
    }
    expect(analysis.warnings).toEqual([]);
  });

  it.each([
    ['compiled', '.compile()', 'weather'],
    ['not compiled', '', 'weather.compile()'],
  ])('imported from another file, %s, are found', (_how, compiled, action) => {
    const analysis = analyseFiles({
      'graph.ts': `${IMPORTS} import { weather } from './weather.js';
        export const graph = new StateGraph(MessagesAnnotation).addNode('child', ${action}).addEdge(START, 'child').compile();`,
      'weather.ts': `${IMPORTS} ${WEATHER.replace('const weather', 'export const weather')}${compiled};`,
    });
    expect(namespaces(analysis)).toEqual(['', 'child']);
    expect(propertiesOf(at(analysis, 'child').state)).toEqual(KIND);
  });

  it('inside subgraphs are found, parents first', () => {
    const analysis = analyseFiles({
      'graph.ts': `${IMPORTS} ${WEATHER}.compile();
        const middle = new StateGraph(MessagesAnnotation).addNode('inner', weather).addEdge(START, 'inner').compile();
        const builder = new StateGraph(MessagesAnnotation).addNode('before', () => ({}));
        builder.addNode('outer', middle);
        builder.addNode({ other: weather });
        const indirect = builder;
        export const graph = indirect.compile();`,
    });
    expect(namespaces(analysis)).toEqual(['', 'outer', 'outer|inner', 'other']);
    expect(propertiesOf(at(analysis, 'outer|inner').state)).toEqual(KIND);
    expect(propertiesOf(at(analysis, 'outer').state)).toEqual({ messages: MESSAGES });
  });

  it('of a factory are found', () => {
    const analysis = analyseFiles({
      'graph.ts': `${IMPORTS} ${WEATHER}.compile();
        export async function graph() {
          const builder = new StateGraph(MessagesAnnotation);
          builder.addNode('child', weather);
          return builder.compile();
        }`,
    });
    expect(namespaces(analysis)).toEqual(['', 'child']);
  });

  it('called by the same node cause a warning, and the first is used', () => {
    const more = `const other = new StateGraph(Annotation.Root({ wrong: Annotation<1>() })).addNode('x', () => ({})).compile();`;
    const action =
      'async (state) => { await weather.invoke(state); await weather.invoke(state); await other.invoke({}); return {}; }';
    const analysis = analyseFiles({ 'graph.ts': parent(action, more) });
    expect(analysis.warnings).toEqual([expect.stringMatching(/"child" calls more than one graph/)]);
    expect(namespaces(analysis)).toEqual(['', 'child']);
    expect(propertiesOf(at(analysis, 'child').state)).toEqual(KIND);
  });

  it('that call themselves do not recurse forever', () => {
    const analysis = analyseFiles({
      'graph.ts': `${IMPORTS}
        export const graph: any = new StateGraph(MessagesAnnotation)
          .addNode('again', async (state): Promise<any> => loop.invoke(state)).addEdge(START, 'again').compile();
        const loop = new StateGraph(MessagesAnnotation).addNode('inner', (state): any => loop.invoke(state)).compile();`,
    });
    expect(namespaces(analysis).filter((namespace) => namespace.startsWith('again|inner|'))).toEqual([]);
  });
});

it('uses the project’s compiler options when they are less strict', () => {
  const analysis = analyseFiles({
    'graph.ts': `${IMPORTS}
      const State = Annotation.Root({ note: Annotation<string | undefined>() });
      export const graph = new StateGraph(State).addNode('do', (state) => ({ note: state.note.trim() })).compile();`,
    'tsconfig.json': JSON.stringify({
      compilerOptions: { module: 'nodenext', strict: false, strictFunctionTypes: false, noEmit: true },
    }),
  });
  expect(propertiesOf(at(analysis, '').state)).toEqual({ note: { type: 'string' } });
});
