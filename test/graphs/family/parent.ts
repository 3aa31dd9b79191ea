// Annotations, and subgraphs of every kind: given to a node, inside of one another, called in a function, called beside
// each other.
import { Annotation, END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { grandchild } from './grandchild.js';

const Child = Annotation.Root({
  toys: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  mood: Annotation<'calm' | 'loud'>(),
});

const child = new StateGraph(Child)
  .addNode('wake', () => ({ mood: 'loud' as const }))
  .addNode('offspring', grandchild.compile())
  .addEdge(START, 'wake')
  .addEdge('wake', 'offspring')
  .addEdge('offspring', END)
  .compile();

const Weather = Annotation.Root({ ...MessagesAnnotation.spec, kind: Annotation<'rain' | 'sun'>() });

const weather = new StateGraph(Weather)
  .addNode('look', () => ({ kind: 'sun' as const }))
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();

const Parent = Annotation.Root({
  ...MessagesAnnotation.spec,
  toys: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
  /** What the family does next. */
  plan: Annotation<{ at?: Date; what: string } | undefined>(),
});

const Settings = Annotation.Root({ street: Annotation<string>() });

export const graph = new StateGraph(Parent, Settings)
  .addNode('child', child)
  .addNode('forecast', async ({ messages }) => ({ messages: (await weather.invoke({ messages })).messages }))
  .addNode('both', async ({ messages, toys }) => {
    await weather.invoke({ messages });
    await child.invoke({ toys });
    return {};
  })
  .addEdge(START, 'child')
  .addEdge('child', 'forecast')
  .addEdge('forecast', 'both')
  .addEdge('both', END)
  .compile();
