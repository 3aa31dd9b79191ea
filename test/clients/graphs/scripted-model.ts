import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';

/** `name {"some":"arguments"}`: the user names the tool to call. */
const CALL = /^(\w+) (\{.*\})$/s;

/** Calls the tool that the user names, repeats what a tool returned, fails on "fail", and repeats anything else. */
export class ScriptedModel extends BaseChatModel {
  constructor() {
    super({});
  }

  override _llmType(): string {
    return 'scripted';
  }

  override bindTools(): this {
    return this;
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const message of replyTo(messages.at(-1)!)) {
      const chunk = new ChatGenerationChunk({ message, text: message.text });
      yield chunk;
      await runManager?.handleLLMNewToken(message.text, undefined, undefined, undefined, undefined, { chunk });
    }
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const generations: ChatGenerationChunk[] = [];
    for await (const chunk of this._streamResponseChunks(messages, options)) {
      generations.push(chunk);
    }
    return { generations: [generations.reduce((all, chunk) => all.concat(chunk))] };
  }
}

function replyTo(last: BaseMessage): AIMessageChunk[] {
  const call = ToolMessage.isInstance(last) ? null : CALL.exec(last.text);
  if (call) {
    const [, name, args] = call;
    const half = Math.ceil(args.length / 2);
    const first = { name, id: crypto.randomUUID(), args: '' };
    return [first, { args: args.slice(0, half) }, { args: args.slice(half) }].map(
      (piece) =>
        new AIMessageChunk({ content: '', tool_call_chunks: [{ ...piece, index: 0, type: 'tool_call_chunk' }] }),
    );
  }
  if (last.text === 'fail') {
    throw new Error('out of beans');
  }
  const text = ToolMessage.isInstance(last) ? `The tool returned: ${last.text}` : `You said ${last.text}.`;
  return text.split(/(?<= )/).map((content) => new AIMessageChunk({ content }));
}
