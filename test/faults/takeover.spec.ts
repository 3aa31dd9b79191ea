import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Member } from '../support/cluster.js';
import { SDKS } from '../support/sdk.js';
import type { Part } from './history.js';
import { Scene } from './scene.js';
import type { Stream, Witness, Work } from './witness.js';

const isOf = (step: number) => (part: Part) => part.event === 'custom' && (part.data as { step: number }).step === step;

const attemptsIn = ({ parts }: Stream): unknown[] =>
  parts.filter(({ event }) => event === 'metadata').map(({ data }) => (data as { attempt: number }).attempt);

describe('when one of two processes is killed', () => {
  let scene: Scene;
  let doomed: Member;
  let other: Member;

  beforeEach(async () => {
    scene = await Scene.create();
    doomed = await scene.cluster.start();
    other = await scene.cluster.start();
  });
  afterEach(() => scene?.end());

  /** A run that cannot end before the gate is open. */
  const work = (): Work => ({ steps: 4, says: 10, ms: 400, gate: { path: scene.gate, step: 4 } });

  async function killDoomed(): Promise<void> {
    await doomed.stop('SIGKILL');
    scene.openGate();
  }

  /** Runs on the process that will be killed, one per SDK, each with its own thread. */
  async function createRuns(): Promise<{ thread_id: string; run_id: string }[]> {
    const client = scene.witness(SDKS[0][1], doomed);
    const runs = SDKS.map(async () => {
      const thread_id = await client.newThread();
      return { thread_id, run_id: await client.create(thread_id, work()) };
    });
    return Promise.all(runs);
  }

  it('the other one finishes its runs from their last checkpoint', async () => {
    const runs = await createRuns();
    await Promise.all(runs.map(({ run_id }) => scene.done({ run_id, step: 2, what: 'began' })));
    await killDoomed();
    const { client } = scene.witness(SDKS[0][1], other);
    await Promise.all(runs.map(({ thread_id, run_id }) => client.runs.join(thread_id, run_id)));

    expect((await scene.runs()).map(({ attempt }) => attempt)).toEqual([2, 2]);
    await scene.expectOrder();
  });

  it('clients that read from the other one see its runs continue to their end', async () => {
    const runs = await createRuns();
    const streams = runs.map(({ thread_id, run_id }, index) =>
      scene.witness(SDKS[index][1], other).join(thread_id, run_id),
    );
    await Promise.all(streams.map((stream) => stream.received(isOf(2))));
    await killDoomed();
    await Promise.all(streams.map(({ finished }) => finished));

    expect(streams.map(attemptsIn)).toEqual(streams.map(() => [1, 2]));
    await scene.expectOrder();
  });

  it('its own clients resume their streams on the other one', async () => {
    const clients = SDKS.flatMap(([, Client]) => [doomed, doomed, doomed].map(() => scene.witness(Client)));
    const streams = await Promise.all(clients.map((client) => streamAt(client, doomed)));
    await Promise.all(streams.map((stream) => stream.received(isOf(2))));
    // While events are emitted: an event id that a client has received and the log has lost must not be reused.
    await killDoomed();
    await Promise.all(streams.map(({ finished }) => finished));
    await scene.expectOrder();
  });

  /** A stream of a run on this process, with a client that can reconnect to any process. */
  async function streamAt(client: Witness, { pid }: Member): Promise<Stream> {
    for (;;) {
      const stream = client.stream(await client.newThread(), work());
      await stream.received(({ event }) => event === 'custom');
      if (scene.ledger().some((line) => line.run_id === stream.run_id && line.pid === pid)) {
        return stream;
      }
    }
  }
});
