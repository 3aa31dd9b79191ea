import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { RemoteGraph } from '@langchain/langgraph/remote';
import { v5 } from 'uuid';
import { graph as family } from '../graphs/family/parent.js';
import { send } from '../support/http.js';
import { type Client, connect, refusal, SDKS, serverForFile } from '../support/sdk.js';

const SYSTEM_NAMESPACE = '6ba7b821-9dad-11d1-80b4-00c04fd430c8';
const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';
const MESSAGE = 'BaseMessage<MessageStructure<MessageToolSet>,MessageType>';
const MESSAGES = { type: 'array', items: { $ref: `#/definitions/${MESSAGE}` } };
const NO_SETTINGS = { type: 'object', $schema: DRAFT_07 };

const server = serverForFile();

interface Drawn {
  nodes: { id: string | number }[];
  edges: { source: string; target: string }[];
}

const shapeOf = ({ nodes, edges }: Drawn): object => ({
  nodes: nodes.map(({ id }) => id),
  edges: edges.map(({ source, target }) => `${source} > ${target}`),
});

const propertiesOf = (schema: unknown): Record<string, unknown> =>
  (schema as { properties: Record<string, unknown> }).properties;

describe.each(SDKS)('the graph of an assistant with SDK %s', (_, Client) => {
  let client: Client;

  beforeAll(() => {
    client = connect(Client, server.url);
  });

  describe('drawn', () => {
    it('has its nodes and edges', async () => {
      const node = (name: string) => ({
        id: name,
        type: 'runnable',
        data: { id: ['langgraph', 'RunnableCallable'], name },
        metadata: {},
      });
      const outside = (name: string) => ({
        id: name,
        type: 'schema',
        data: expect.objectContaining({ id: name, name }),
      });
      const { nodes, edges } = await client.assistants.getGraph('steps');
      expect({ nodes, edges: new Set(edges) }).toEqual({
        nodes: [outside('__start__'), node('one'), node('two'), node('three'), outside('__end__')],
        edges: new Set([
          { source: '__start__', target: 'one', conditional: false },
          { source: 'one', target: 'two', conditional: false },
          { source: 'two', target: 'three', conditional: false },
          { source: 'three', target: '__end__', conditional: false },
        ]),
      });
    });

    it('marks conditional edges and returns their conditions', async () => {
      const { edges } = await client.assistants.getGraph('described');
      expect(edges).toEqual([
        { source: '__start__', target: 'note', conditional: false },
        { source: 'note', target: '__end__', data: 'enough', conditional: true },
        { source: 'note', target: 'note', data: 'more', conditional: true },
      ]);
    });

    it.each([
      [undefined, ['child']],
      [false, ['child']],
      [1, ['child:wake', 'child:offspring']],
      [2, ['child:wake', 'child:offspring:play', 'child:offspring:tidy']],
      [9, ['child:wake', 'child:offspring:play', 'child:offspring:tidy']],
      [true, ['child:wake', 'child:offspring:play', 'child:offspring:tidy']],
    ])('with xray %s expands as many levels', async (xray, ids) => {
      const { nodes } = await client.assistants.getGraph('family', { xray });
      expect(nodes.map(({ id }) => id)).toEqual(['__start__', ...ids, 'forecast', 'both', '__end__']);
    });

    it.each([0, -1, 1.5, 'deep'])('with xray %s is refused', async (xray) => {
      const drawing = client.assistants.getGraph('family', { xray: xray as number });
      await expect(drawing).rejects.toMatchObject(refusal(422, 'validation_failed'));
      await expect(drawing).rejects.toThrow(/xray: must be true, false or a depth of at least 1/);
    });

    it.each([false, true, 1])('with xray %s shows a RemoteGraph as one node', async (xray) => {
      const { nodes, edges } = await client.assistants.getGraph('astray', { xray });
      expect(nodes.map(({ id }) => id)).toEqual(['__start__', 'far', '__end__']);
      expect(edges).toHaveLength(2);
    });

    it('of a functional API workflow has string ids', async () => {
      const { nodes, edges } = await client.assistants.getGraph('returning');
      expect(nodes.map(({ id }) => id)).toEqual(['0', '1', '2']);
      expect(edges).toEqual([
        { source: '0', target: '1' },
        { source: '1', target: '2' },
      ]);
    });
  });

  describe('of a factory', () => {
    const animal = async (settings: Pick<Parameters<Client['assistants']['create']>[0], 'config' | 'context'>) =>
      (await client.assistants.create({ graphId: 'either', ...settings })).assistant_id;

    it.each([
      ['nothing', {}, 'fly', { wings: { type: 'number' } }],
      [
        'config',
        { config: { configurable: { animal: 'fish' } } },
        'swim',
        { fins: { type: 'array', items: { type: 'string' } } },
      ],
      ['context', { context: { animal: 'fish' } }, 'swim', { fins: { type: 'array', items: { type: 'string' } } }],
    ])('is built with the settings of the assistant in %s', async (_where, settings, node, state) => {
      const id = await animal(settings);
      expect((await client.assistants.getGraph(id)).nodes.map((each) => each.id)).toContain(node);
      const schemas = await client.assistants.getSchemas(id);
      expect(propertiesOf(schemas.state_schema)).toEqual(state);
      expect(propertiesOf(schemas.input_schema)).toEqual(state);
    });

    it('that fails returns an error with the reason', async () => {
      const id = await animal({ context: { animal: 'unicorn' } });
      for (const ask of [
        () => client.assistants.getGraph(id),
        () => client.assistants.getSchemas(id),
        () => client.assistants.getSubgraphs(id),
      ]) {
        await expect(ask()).rejects.toMatchObject(refusal(422, 'graph_not_built'));
        await expect(ask()).rejects.toThrow(/there are no unicorns/);
      }
    });

    it('ignores the user in a config', async () => {
      const id = await animal({
        config: { configurable: { langgraph_auth_user: 'root' } },
        context: { langgraph_auth_user: 'root' },
      });
      expect((await client.assistants.getGraph(id)).nodes.map((each) => each.id)).toContain('fly');
    });
  });

  describe('has schemas', () => {
    it('from its StateSchema and its context, with extra keys', async () => {
      const context = { properties: { model: { type: 'string', enum: ['small', 'large'] } }, required: ['model'] };
      const messages = { langgraph_type: 'messages', description: 'A list of chat messages' };
      const schemas = await client.assistants.getSchemas('described');
      expect(schemas).toMatchObject({ graph_id: 'described', config_schema: context, context_schema: context });
      for (const schema of [schemas.state_schema, schemas.output_schema]) {
        expect(schema).toMatchObject({ type: 'object', required: ['topic'] });
        expect(propertiesOf(schema)).toMatchObject({
          messages,
          notes: { type: 'array', items: { type: 'string' }, langgraph_type: 'notes' },
          topic: { type: 'string' },
        });
      }
      expect(schemas.input_schema).not.toHaveProperty('required');
      expect(propertiesOf(schemas.input_schema)).toMatchObject({
        messages,
        notes: { type: 'string', langgraph_type: 'notes' },
        topic: { type: 'string' },
      });
    });

    it('from its registered Zod object: of updates for the state, of parsed values for the output', async () => {
      const { state_schema, input_schema, output_schema, ...rest } = await client.assistants.getSchemas('registered');
      for (const schema of [state_schema, input_schema]) {
        expect(propertiesOf(schema)).toEqual({
          messages: { type: 'string', langgraph_type: 'messages' },
          count: { type: 'number' },
        });
      }
      expect(propertiesOf(output_schema)).toEqual({
        messages: { type: 'array', items: { type: 'string' }, langgraph_type: 'messages' },
        count: { type: 'number' },
      });
      expect(rest).toEqual({ graph_id: 'registered', config_schema: null, context_schema: null });
    });

    it('from its plain Zod object', async () => {
      const { state_schema, input_schema, output_schema } = await client.assistants.getSchemas('plain');
      expect(propertiesOf(state_schema)).toEqual({
        name: { type: 'string', description: 'Whom to greet.' },
        size: { type: 'number' },
      });
      expect(state_schema).toHaveProperty('required', ['name']);
      expect(output_schema).toEqual(state_schema);
      const { required: _required, ...partial } = state_schema as Record<string, unknown>;
      expect(input_schema).toEqual(partial);
    });

    it('from the types in its source, when it defines no schemas', async () => {
      const schemas = await client.assistants.getSchemas('family');
      const toys = { type: 'array', items: { type: 'string' } };
      const plan = {
        type: 'object',
        description: 'What the family does next.',
        properties: { at: { type: 'string', format: 'date-time' }, what: { type: 'string' } },
        required: ['what'],
      };
      for (const schema of [schemas.input_schema, schemas.output_schema, schemas.state_schema]) {
        expect(schema).toMatchObject({
          $schema: DRAFT_07,
          type: 'object',
          definitions: { [MESSAGE]: { description: expect.any(String), oneOf: expect.any(Array) } },
        });
        expect(propertiesOf(schema)).toEqual({ messages: MESSAGES, toys, plan });
      }
      const settings = { $schema: DRAFT_07, type: 'object', properties: { street: { type: 'string' } } };
      expect(schemas).toMatchObject({ graph_id: 'family', config_schema: settings, context_schema: settings });
    });

    it('from the types in its source, when its Zod object cannot be expressed', async () => {
      const { state_schema } = await client.assistants.getSchemas('dated');
      expect(propertiesOf(state_schema)).toEqual({
        due: { type: 'string', format: 'date-time' },
        title: { type: 'string' },
      });
    });

    it('from JavaScript, with the types that can be inferred', async () => {
      const { state_schema, context_schema } = await client.assistants.getSchemas('untyped');
      expect(propertiesOf(state_schema)).toEqual({ thing: {}, total: { type: 'number' } });
      expect(context_schema).toEqual(NO_SETTINGS);
    });

    it('that are null when they cannot be derived', async () => {
      expect(await client.assistants.getSchemas('returning')).toMatchObject({
        input_schema: { type: 'object', properties: { give: {} } },
        output_schema: null,
        state_schema: null,
      });
    });
  });

  describe('has subgraphs', () => {
    const SCHEMAS = ['config_schema', 'context_schema', 'graph_id', 'input_schema', 'output_schema', 'state_schema'];

    const statesOf = (subgraphs: Awaited<ReturnType<Client['assistants']['getSubgraphs']>>) =>
      Object.entries(subgraphs).map(([name, { state_schema }]) => [
        name,
        Object.keys(propertiesOf(state_schema)).sort(),
      ]);

    const child = ['child', ['mood', 'toys']];
    const forecast = ['forecast', ['kind', 'messages']];
    const both = ['both', ['kind', 'messages']];
    const offspring = ['child|offspring', ['toys']];

    it('in its nodes, and called by its nodes', async () => {
      const subgraphs = await client.assistants.getSubgraphs('family');
      expect(statesOf(subgraphs)).toEqual([child, forecast, both]);
      expect(Object.keys(subgraphs.child).sort()).toEqual(SCHEMAS);
      expect(propertiesOf(subgraphs.forecast.output_schema).kind).toEqual({ type: 'string', enum: ['rain', 'sun'] });
    });

    it('nested in each other, parents first', async () => {
      expect(statesOf(await client.assistants.getSubgraphs('family', { recurse: true }))).toEqual([
        child,
        forecast,
        both,
        offspring,
      ]);
    });

    it.each([
      ['child', false, [child]],
      ['child', true, [child]],
      ['child|offspring', true, [offspring]],
      ['child|offspring', false, []],
      ['forecast', false, [forecast]],
      ['nobody', true, []],
      [`child|${'x'.repeat(500)}`, true, []],
    ])('of the namespace %s, recurse %s', async (namespace, recurse, expected) => {
      expect(statesOf(await client.assistants.getSubgraphs('family', { namespace, recurse }))).toEqual(expected);
    });

    it('on other servers, with null schemas', async () => {
      const { far } = await client.assistants.getSubgraphs('astray', { recurse: true });
      expect(far).toMatchObject({ input_schema: null, output_schema: null, state_schema: null });
    });

    it('or an empty result', async () => {
      expect(await client.assistants.getSubgraphs('steps', { recurse: true })).toEqual({});
    });

    it('that RemoteGraph lists', async () => {
      const remote = new RemoteGraph({ graphId: 'family', client: client });
      const names: string[] = [];
      for await (const [name] of remote.getSubgraphsAsync(undefined, true)) {
        names.push(name);
      }
      expect(names).toEqual(['child', 'forecast', 'both', 'child|offspring']);
    });
  });

  it('is drawn equally by RemoteGraph', async () => {
    const remote = new RemoteGraph({ graphId: 'family', client: client });
    for (const xray of [false, true, 1]) {
      const [there, here] = await Promise.all([remote.getGraphAsync({ xray }), family.getGraphAsync({ xray })]);
      expect(shapeOf(there.toJSON() as Drawn)).toEqual(shapeOf(here.toJSON() as Drawn));
      const nodes = Object.values(there.nodes).map(({ name }) => name);
      expect(nodes).toEqual(expect.arrayContaining(['__start__', 'forecast', '__end__']));
    }
  });

  it('is found by the id of an assistant and by the name of its graph', async () => {
    const { assistant_id } = await client.assistants.create({ graphId: 'nested' });
    const ids = [assistant_id, v5('nested', SYSTEM_NAMESPACE), 'nested'];
    const answers = ids.map(async (id) => [
      shapeOf(await client.assistants.getGraph(id)),
      await client.assistants.getSchemas(id),
      await client.assistants.getSubgraphs(id),
    ]);
    const [first, ...others] = await Promise.all(answers);
    expect(others).toEqual([first, first]);
    expect(first[1]).toMatchObject({ graph_id: 'nested' });
  });

  it('is not found when it is no longer in langgraph.json', async () => {
    const { assistant_id } = await client.assistants.create({ graphId: 'steps' });
    await server.database.pool.query(`UPDATE assistants SET graph_id = 'gone' WHERE assistant_id = $1`, [assistant_id]);
    const gone = refusal(404, 'graph_not_found');
    await expect(client.assistants.getGraph(assistant_id)).rejects.toMatchObject(gone);
    await expect(client.assistants.getSchemas(assistant_id)).rejects.toMatchObject(gone);
    await expect(client.assistants.getSubgraphs(assistant_id)).rejects.toMatchObject(gone);
  });

  it.each(['nobody', randomUUID()])('of a missing assistant is not found: %s', async (id) => {
    for (const ask of [
      () => client.assistants.getGraph(id),
      () => client.assistants.getSchemas(id),
      () => client.assistants.getSubgraphs(id),
      () => client.assistants.getSubgraphs(id, { namespace: 'child' }),
    ]) {
      await expect(ask()).rejects.toMatchObject(refusal(404, 'assistant_not_found'));
    }
  });
});

describe('query parameters of other clients', () => {
  it.each([
    ['steps/graph?xray=', 200],
    ['steps/graph?xray=True', 200],
    ['steps/graph?xray=no', 200],
    ['steps/graph?xray=1&xray=2', 422],
    ['steps/graph?xray=99999999999999999999', 422],
    ['steps/subgraphs?recurse=TRUE', 200],
    ['steps/subgraphs?recurse=', 200],
    ['steps/subgraphs?recurse=maybe', 422],
    ['steps/subgraphs/x?recurse=2', 422],
  ])('%s returns %d', async (query, status) => {
    expect(await send(`${server.url}/assistants/${query}`)).toMatchObject({ status });
  });

  it('a GET may have the JSON content type without a body', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const part of ['graph', 'schemas', 'subgraphs']) {
      expect(await send(`${server.url}/assistants/plain/${part}`, { headers })).toMatchObject({ status: 200 });
    }
  });
});
