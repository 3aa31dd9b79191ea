// The JavaScript client against a running server:
//
//   node examples/clients/stream.mjs [url]      (default http://127.0.0.1:2024)

import { Client } from '@langchain/langgraph-sdk';

const client = new Client({ apiUrl: process.argv[2] ?? 'http://127.0.0.1:2024' });

const assistants = await client.assistants.search();
console.log('Assistants:', assistants.map((assistant) => assistant.name).join(', '));

await chat();
await review();

/** Prints the answer token by token. */
async function chat() {
  const thread = await client.threads.create();
  const stream = client.runs.stream(thread.thread_id, 'chat', {
    input: { messages: [{ role: 'user', content: 'Hello from JavaScript' }] },
    context: { system_prompt: 'Be brief.' },
    streamMode: 'messages-tuple',
  });

  process.stdout.write('Chat: ');
  for await (const { event, data } of stream) {
    if (event === 'error') {
      throw new Error(`${data.error}: ${data.message}`);
    }
    if (event === 'messages') {
      const [message] = data;
      process.stdout.write(message.content);
    }
  }
  process.stdout.write('\n');

  const state = await client.threads.getState(thread.thread_id);
  console.log('Messages in the thread:', state.values.messages.length);
}

/** Runs until the graph asks a person, answers, and looks back at every step. */
async function review() {
  const thread = await client.threads.create();
  await client.runs.wait(thread.thread_id, 'review', { input: { topic: 'parrots' } });

  const waiting = await client.threads.getState(thread.thread_id);
  const [interrupt] = waiting.tasks.flatMap((task) => task.interrupts);
  console.log('Waiting at:', waiting.next.join(', '), interrupt.value);

  const values = await client.runs.wait(thread.thread_id, 'review', {
    command: { resume: { approved: true, edit: 'Great news about parrots!' } },
  });
  console.log('Finished:', values);

  const history = await client.threads.getHistory(thread.thread_id);
  for (const { metadata, next } of history.reverse()) {
    console.log(`  step ${metadata.step}: next ${next.join(', ') || '(end)'}`);
  }
}
