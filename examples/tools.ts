// The agent loop: the model calls tools and receives their results, until it calls none.
// Shows tool calls, several of them in parallel, and a tool that fails without failing the run.

import { tool } from '@langchain/core/tools';
import { END, MessagesValue, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';
import { ParrotChatModel } from './models.js';

const State = new StateSchema({ messages: MessagesValue });

const forecasts = new Map([
  ['paris', '21 °C and sunny'],
  ['london', '14 °C and raining'],
  ['new york', '17 °C and windy'],
]);

const getWeather = tool(({ city }) => `It is ${forecasts.get(city.toLowerCase()) ?? '18 °C and cloudy'} in ${city}.`, {
  name: 'get_weather',
  description: 'The weather in a city right now.',
  schema: z.object({ city: z.string().describe('Name of the city') }),
});

const calculate = tool(({ a, operator, b }) => `${a} ${operator} ${b} = ${compute(a, operator, b)}.`, {
  name: 'calculate',
  description: 'One arithmetic operation on two numbers.',
  schema: z.object({ a: z.number(), operator: z.enum(['+', '-', '*', '/']), b: z.number() }),
});

function compute(a: number, operator: '+' | '-' | '*' | '/', b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) {
        throw new Error('Cannot divide by zero.');
      }
      return a / b;
  }
}

const tools = [getWeather, calculate];
const model = new ParrotChatModel().bindTools(tools);

export const graph = new StateGraph(State)
  .addNode('model', async ({ messages }) => ({ messages: await model.invoke(messages) }))
  .addNode('tools', new ToolNode(tools))
  .addEdge(START, 'model')
  .addConditionalEdges('model', toolsCondition, ['tools', END])
  .addEdge('tools', 'model')
  .compile();
