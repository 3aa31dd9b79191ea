import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';

/** Streams a string word by word, at the pace of the test: `pace` names a file with the number of words that may be said. */
export class SlowModel extends BaseChatModel {
  private readonly words: string[];

  constructor(
    text: string,
    private readonly pace: string | undefined,
  ) {
    super({});
    this.words = text.split(/(?<= )/);
  }

  override _llmType(): string {
    return 'slow';
  }

  override async *_streamResponseChunks(
    _messages: BaseMessage[],
    { signal }: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const [said, text] of this.words.entries()) {
      while (said >= this.allowed()) {
        await sleep(5, undefined, { signal });
      }
      const chunk = new ChatGenerationChunk({ message: new AIMessageChunk({ content: text }), text });
      yield chunk;
      await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
  }

  /** Without streaming. */
  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const generations: ChatGenerationChunk[] = [];
    for await (const chunk of this._streamResponseChunks(messages, options)) {
      generations.push(chunk);
    }
    return { generations: [generations.reduce((all, chunk) => all.concat(chunk))] };
  }

  private allowed(): number {
    if (!this.pace) {
      return Infinity;
    }
    return existsSync(this.pace) ? Number(readFileSync(this.pace, 'utf8')) : 0;
  }
}
