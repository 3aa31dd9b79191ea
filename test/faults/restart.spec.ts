import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SDKS } from '../support/sdk.js';
import { Scene } from './scene.js';

describe('the only process is killed and restarted', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene?.end());

  it.each(SDKS)(
    'and its run continues after its last checkpoint, while its client reads (SDK %s)',
    async (_name, Client) => {
      const first = await scene.cluster.start();
      const client = scene.witness(Client);
      const thread_id = await client.newThread();
      const gate = { path: scene.gate, step: 3 };
      const stream = client.stream(thread_id, { steps: 4, says: 5, ms: 100, gate, durability: 'sync' });
      await scene.done({ step: 3, what: 'said' });
      await first.stop('SIGKILL');
      scene.openGate();
      const second = await scene.cluster.start();
      await stream.finished;

      const begun = scene.ledger().filter(({ what }) => what === 'began');
      expect(begun.map(({ step, attempt, pid }) => [step, attempt, pid])).toEqual([
        [1, 1, first.pid],
        [2, 1, first.pid],
        [3, 1, first.pid],
        [3, 2, second.pid],
        [4, 2, second.pid],
      ]);
      const { run_id } = stream;
      expect(stream.parts.filter(({ event }) => event === 'metadata').map(({ data }) => data)).toEqual([
        { run_id, attempt: 1 },
        { run_id, attempt: 2 },
      ]);
      expect(await scene.runs()).toMatchObject([{ run_id, attempt: 2, status: 'success' }]);
      await scene.expectOrder();
    },
  );

  it('and does not apply a command twice', async () => {
    const first = await scene.cluster.start();
    const { client } = scene.witness(SDKS[0][1]);
    const { thread_id } = await client.threads.create();
    const command = { update: { gate: scene.gate, path: ['told'] }, goto: 'between' };
    const { run_id } = await client.runs.create(thread_id, 'questions', { command, durability: 'sync' });
    await scene.until(
      () => existsSync(`${scene.gate}.waiting`),
      (isWaiting) => isWaiting,
    );
    await first.stop('SIGKILL');
    scene.openGate();
    await scene.cluster.start();
    const answer = await client.runs.join(thread_id, run_id);

    expect(answer).toMatchObject({ path: ['told', 'between'], __interrupt__: [{ value: 'second' }] });
    expect(readFileSync(`${scene.gate}.between`, 'utf8')).toBe('executed\n');
  });

  it('by each attempt of a run, which then fails; the next run on the thread is executed', async () => {
    const env = { BG_JOB_MAX_RETRIES: '1' };
    const client = scene.witness(SDKS[0][1]);
    const first = await scene.cluster.start({ env });
    const thread_id = await client.newThread();
    const gate = { path: scene.gate, step: 1 };
    const deadly = await client.create(thread_id, { steps: 1, says: 1, ms: 100, deadly: true, gate });
    const harmless = await client.create(thread_id, { steps: 1, says: 1, ms: 100 });
    scene.openGate();
    await first.exited;
    const second = await scene.cluster.start({ env });
    await second.exited;
    await scene.cluster.start({ env });
    await client.client.runs.join(thread_id, harmless);
    const { parts, finished } = client.join(thread_id, deadly);
    await finished;

    expect(parts.at(-1)).toMatchObject({ event: 'error', data: { error: 'RunLost' } });
    expect(await scene.runs()).toMatchObject([
      { run_id: deadly, status: 'error', attempt: 2 },
      { run_id: harmless, status: 'success', attempt: 1 },
    ]);
    expect(await client.client.runs.join(thread_id, deadly)).toMatchObject({ __error__: { error: 'RunLost' } });
    expect((await scene.threads()).map(({ status }) => status)).toEqual(['idle']);
    const attempts = scene.ledger().filter(({ what }) => what === 'began');
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
  });
});
