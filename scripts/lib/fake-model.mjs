// A fake model provider on loopback for graphs of third-party projects. Every response is the same sentence.
import { once } from 'node:events';
import { createServer } from 'node:http';

const ANSWER = 'Hello from a fake model.';

/** Starts the provider. `env` contains the variables that direct the clients of OpenAI and Anthropic to it. */
export async function startFakeModel() {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => (body += chunk));
    request.on('end', () => answer(request.url ?? '', body ? JSON.parse(body) : {}, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const keys = ['OPENAI', 'ANTHROPIC', 'TAVILY', 'GOOGLE', 'GROQ', 'MISTRAL', 'COHERE', 'FIREWORKS', 'OPENROUTER'];
  return {
    env: {
      ...Object.fromEntries(keys.map((name) => [`${name}_API_KEY`, 'none'])),
      OPENAI_BASE_URL: `${url}/v1`,
      ANTHROPIC_BASE_URL: url,
    },
    close: () => server.close(),
  };
}

function answer(url, { stream, model = 'none' }, response) {
  const reply = url.includes('/messages')
    ? anthropic(model)
    : url.includes('/embeddings')
      ? embeddings(model)
      : openai(model);
  if (!stream) {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(reply.whole));
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  for (const event of reply.events) {
    response.write(`${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end(url.includes('/messages') ? undefined : 'data: [DONE]\n\n');
}

function openai(model) {
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const common = { id: 'chatcmpl-1', created: 1, model };
  const message = { role: 'assistant', content: ANSWER };
  const chunk = (delta, finish_reason = null) => ({
    ...common,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return {
    whole: { ...common, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage },
    events: [chunk(message), chunk({}, 'stop')],
  };
}

function anthropic(model) {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model, stop_sequence: null, usage };
  const text = { type: 'text', text: ANSWER };
  return {
    whole: { ...message, content: [text], stop_reason: 'end_turn' },
    events: [
      { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ANSWER } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
      { type: 'message_stop' },
    ],
  };
}

const embeddings = (model) => ({
  whole: { object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: [1, 0, 0] }], usage: {} },
  events: [],
});
