// Answers the last message, and says how often it has answered that on this thread.
import type { BaseMessage } from '@langchain/core/messages';
import {
  Annotation,
  END,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { SlowModel } from './slow-model.js';

const State = Annotation.Root({ ...MessagesAnnotation.spec, pace: Annotation<string | undefined>() });

const answers = new Map<string, number>();

function answerTo({ text }: BaseMessage, thread_id: unknown): string {
  const key = `${String(thread_id)} ${text}`;
  const count = (answers.get(key) ?? 0) + 1;
  answers.set(key, count);
  return `Answer ${count} to ${text}`;
}

export const graph = new StateGraph(State)
  .addNode('model', async ({ messages, pace }, config: LangGraphRunnableConfig) => {
    const question = messages.at(-1)!;
    config.writer?.({ answering: question.text });
    const model = new SlowModel(answerTo(question, config.configurable?.thread_id), pace);
    return { messages: [await model.invoke(messages, config)] };
  })
  .addEdge(START, 'model')
  .addEdge('model', END)
  .compile();
