// The model of the examples: a parrot. It needs no key and no network, streams word by word, and always gives the same
// answer to the same conversation. Replace it by a real chat model and the graphs need no change:
// `const model = new ChatOpenAI({ model: '...' })`.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { ToolDefinition } from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk, type BaseMessage, type UsageMetadata } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';

interface ParrotParams extends BaseChatModelParams {
  /** Milliseconds before each token, to make streaming visible. */
  delay?: number;
}

interface ParrotCallOptions extends BaseChatModelCallOptions {
  tools?: ToolDefinition[];
}

interface ToolRequest {
  name: string;
  args: Record<string, unknown>;
}

export class ParrotChatModel extends BaseChatModel<ParrotCallOptions> {
  private readonly delay: number;

  constructor({ delay = 0, ...params }: ParrotParams = {}) {
    super(params);
    this.delay = delay;
  }

  override _llmType() {
    return 'parrot';
  }

  override bindTools(tools: BindToolsInput[], options: Partial<ParrotCallOptions> = {}) {
    return this.withConfig({ ...options, tools: tools.map((tool) => convertToOpenAITool(tool)) });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { text, requests } = reply(messages, options.tools);
    const message = new AIMessage({
      id: `parrot-${randomUUID()}`,
      content: text,
      tool_calls: requests.map((request) => ({ type: 'tool_call', id: `call-${randomUUID()}`, ...request })),
      usage_metadata: countTokens(messages, text),
    });
    return { generations: [{ text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { text, requests } = reply(messages, options.tools);
    const id = `parrot-${randomUUID()}`;
    const last = new AIMessageChunk({
      id,
      content: '',
      tool_call_chunks: requests.map(({ name, args }, index) => ({
        type: 'tool_call_chunk',
        index,
        id: `call-${randomUUID()}`,
        name,
        args: JSON.stringify(args),
      })),
      usage_metadata: countTokens(messages, text),
    });

    for (const message of [...tokens(text).map((content) => new AIMessageChunk({ id, content })), last]) {
      await sleep(this.delay, undefined, { signal: options.signal });
      const chunk = new ChatGenerationChunk({ text: message.text, message });
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
  }
}

/** Reports the results of tools, calls a tool if one fits, and otherwise repeats the message. */
function reply(messages: BaseMessage[], tools: ToolDefinition[] = []): { text: string; requests: ToolRequest[] } {
  const humans = messages.filter((message) => message.type === 'human');
  const heard = humans.at(-1)?.text ?? '';

  const results = messages.slice(messages.findLastIndex((message) => message.type !== 'tool') + 1);
  if (results.length > 0) {
    return { text: results.map((result) => result.text).join(' '), requests: [] };
  }

  const offered = new Set(tools.map((tool) => tool.function.name));
  const requests = findToolRequests(heard).filter((request) => offered.has(request.name));
  if (requests.length > 0) {
    return { text: '', requests };
  }

  const system = messages.find((message) => message.type === 'system');
  const sentences = [
    system && `(${system.text})`,
    `You said: "${heard}".`,
    `That was message ${humans.length} from you.`,
  ];
  return { text: sentences.filter(Boolean).join(' '), requests: [] };
}

/** "weather in Paris" becomes a call of `get_weather`, "2 + 3" one of `calculate`. */
function findToolRequests(text: string): ToolRequest[] {
  const cities = text.matchAll(/[Ww]eather in (\p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*)*|\p{L}+)/gu);
  const sums = text.matchAll(/(-?\d+(?:\.\d+)?)\s*([-+*/])\s*(-?\d+(?:\.\d+)?)/g);
  return [
    ...Array.from(cities, ([, city]) => ({ name: 'get_weather', args: { city } })),
    ...Array.from(sums, ([, a, operator, b]) => ({
      name: 'calculate',
      args: { a: Number(a), operator, b: Number(b) },
    })),
  ];
}

/** Words with the white space that follows them, so that the joined tokens are the original string. */
const tokens = (text: string): string[] => text.match(/\S+\s*/g) ?? [];

function countTokens(prompt: BaseMessage[], answer: string): UsageMetadata {
  const input_tokens = prompt.reduce((sum, message) => sum + tokens(message.text).length, 0);
  const output_tokens = tokens(answer).length;
  return { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
}
