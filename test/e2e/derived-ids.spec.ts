import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemAssistantId } from '../../src/common/index.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { accepted, sender } from '../support/owned.js';
import { serverForFile } from '../support/sdk.js';
import { killLeftovers, runToEnd, startServer } from '../support/server.js';

/** An assistant as a client could register it while the graph of its id did not exist. */
async function insertAssistant({ pool }: TestDatabase, assistant_id: string, graph_id: string): Promise<void> {
  await pool.query(`INSERT INTO assistants (assistant_id, graph_id, name) VALUES ($1, $2, 'squatter')`, [
    assistant_id,
    graph_id,
  ]);
  await pool.query(
    `INSERT INTO assistant_versions (assistant_id, version, graph_id, name, config, context, metadata, created_at)
     VALUES ($1, 1, $2, 'squatter', '{}', '{}', '{}', now())`,
    [assistant_id, graph_id],
  );
}

describe('An assistant id that the server derives', () => {
  const server = serverForFile();
  const send = sender(server);
  const create = async (assistant_id: string, if_exists?: string): Promise<unknown> => {
    const response = await send('POST', '/assistants', { assistant_id, graph_id: 'echo', if_exists });
    return { status: response.status, body: await response.json() };
  };

  it.each([['raise'], ['do_nothing']])('cannot be registered before its graph exists: %s', async (if_exists) => {
    const later = systemAssistantId('later');
    const refused = { status: 422, body: { code: 'assistant_id_reserved' } };

    expect(await create(later, if_exists)).toMatchObject(refused);
    expect(await create(later.toUpperCase(), if_exists)).toMatchObject(refused);
    expect((await send('GET', `/assistants/${later}`)).status).toBe(404);
  });

  it('gives the assistant of its graph to a client that computes it', async () => {
    const steps = await accepted(send('GET', '/assistants/steps'));

    expect(await create(systemAssistantId('steps'), 'do_nothing')).toEqual({ status: 200, body: steps });
    expect(await create(systemAssistantId('steps'))).toMatchObject({ status: 409, body: { code: 'assistant_exists' } });
  });

  it('stays usable for an assistant that has had it for long', async () => {
    const assistant_id = systemAssistantId('of another namespace');
    await insertAssistant(server.database, assistant_id, 'echo');

    expect(await create(assistant_id, 'do_nothing')).toMatchObject({ status: 200, body: { assistant_id } });
    await accepted(send('POST', '/runs/wait', { assistant_id, input: { messages: [] } }));
  });

  it('may have any other version', async () => {
    expect(await create('0192f0c1-5d6e-8f80-9a1b-2c3d4e5f6071')).toMatchObject({ status: 200 });
  });
});

describe('The start', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(async () => {
    await killLeftovers();
    await database?.drop();
  });

  it.each([['start'], ['dev'], ['worker']])(
    'with %s is refused while a client has the id of a graph',
    async (command) => {
      const assistant_id = systemAssistantId('steps');
      await database.pool.query('DELETE FROM assistants');
      await insertAssistant(database, assistant_id, 'echo');
      const { code, output } = await runToEnd(command === 'worker' ? [command] : [command, '--port', '0'], {
        database,
      });

      expect(code).toBe(1);
      expect(output).toContain(
        `Graph "steps" of langgraph.json needs the assistant id ${assistant_id}, which a client has registered`,
      );
      expect(output).not.toMatch(/^ {4}at /m);
      const { rows } = await database.pool.query('SELECT graph_id FROM assistants WHERE assistant_id = $1', [
        assistant_id,
      ]);
      expect(rows).toEqual([{ graph_id: 'echo' }]);
    },
  );

  it('goes well when the assistant of a graph was changed', async () => {
    await database.pool.query('DELETE FROM assistants');
    const first = await startServer({ database });
    await accepted(sender(first)('PATCH', '/assistants/steps', { graph_id: 'echo', name: 'changed' }));
    await first.stop();
    const second = await startServer({ database });

    expect(await accepted(sender(second)('GET', '/assistants/steps'))).toMatchObject({ graph_id: 'echo', version: 2 });
    await second.stop();
  });
});
