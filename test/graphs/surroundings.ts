// What a graph finds around it: the log of its server, and its address.
import { getLogger } from '@langchain/langgraph-sdk/logging';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const addressNow = (): object => ({ url: process.env.LANGGRAPH_API_URL, port: process.env.PORT });

const whenLoaded = addressNow();
const log = getLogger();
log.info('Surroundings are loaded', { colour: 'blue' });

const State = Annotation.Root({
  whenLoaded: Annotation<object>(),
  now: Annotation<object>(),
  mode: Annotation<string | undefined>(),
});

export const graph = new StateGraph(State)
  .addNode('look', () => {
    log.warn('Looking around').error('Found', new Error('a stone'), [1, { two: 2 }]);
    log.debug('in detail');
    return { whenLoaded, now: addressNow(), mode: process.env.NODE_ENV };
  })
  .addEdge(START, 'look')
  .addEdge('look', END)
  .compile();
