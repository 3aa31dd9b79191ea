// Graph APIs from before 1.0 that LangGraph still has, and the functional one.
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { END, entrypoint, MessageGraph, START, task } from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

export const messages: object = new MessageGraph()
  .addNode('answer', (all: BaseMessage[]) => [new AIMessage(`${all.length} so far`)])
  .addEdge(START, 'answer')
  .addEdge('answer', END)
  .compile();

const time = tool(() => 'noon', { name: 'time', schema: z.object({}) });

/** A model that takes tools, as agents ask of it, and never calls them. */
class Model extends FakeListChatModel {
  override bindTools(): this {
    return this;
  }
}

export const react = createReactAgent({ llm: new Model({ responses: ['It is noon.'] }), tools: [time] });

const double = task('double', (value: number) => Promise.resolve(value * 2));

export const functional = entrypoint('functional', ({ values }: { values: number[] }) =>
  Promise.all(values.map((value) => double(value))),
);
