// The TypeScript client against a running server:
//
//   npm run client [-- URL]      (default http://127.0.0.1:2024)

import { Client, type ThreadState } from '@langchain/langgraph-sdk';

/** State of the graph `chat` in its wire format. */
interface ChatState {
  messages: { type: string; content: string }[];
}

const client = new Client({ apiUrl: process.argv[2] ?? 'http://127.0.0.1:2024' });

const assistants = await client.assistants.search();
console.log('Assistants:', assistants.map(({ name }) => name).join(', '));

await chat();
await review();

/** Prints the response token by token. */
async function chat(): Promise<void> {
  const { thread_id } = await client.threads.create();
  const stream = client.runs.stream(thread_id, 'chat', {
    input: { messages: [{ role: 'user', content: 'Hello from TypeScript' }] },
    context: { system_prompt: 'Be brief.' },
    streamMode: 'messages-tuple',
  });

  process.stdout.write('Chat: ');
  for await (const part of stream) {
    if (part.event === 'error') {
      throw new Error(part.data.message);
    }
    if (part.event === 'messages') {
      const [message] = part.data;
      process.stdout.write(String(message.content));
    }
  }
  process.stdout.write('\n');

  const { values }: ThreadState<ChatState> = await client.threads.getState<ChatState>(thread_id);
  console.log('Messages in the thread:', values.messages.length);
}

/** Runs until the interrupt, resumes it, and prints the history. */
async function review(): Promise<void> {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, 'review', { input: { topic: 'parrots' } });

  const waiting = await client.threads.getState(thread_id);
  const [question] = waiting.tasks.flatMap(({ interrupts }) => interrupts);
  console.log('Waiting at:', waiting.next.join(', '), question.value);

  const values = await client.runs.wait(thread_id, 'review', {
    command: { resume: { approved: true, edit: 'Great news about parrots!' } },
  });
  console.log('Finished:', values);

  const history = await client.threads.getHistory(thread_id);
  for (const { metadata, next } of history.reverse()) {
    console.log(`  step ${metadata?.step}: next ${next.join(', ') || '(end)'}`);
  }
}
