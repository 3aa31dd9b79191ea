// A state of 5 MB that one node creates and another one does not change: copying or storing whole states costs twice.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';

const BYTES = 5 * 1024 * 1024;
/** With quotation marks and line breaks, as in prose: JSON must escape them. */
const LINE = 'A state may hold "documents", with all their lines and quotation marks. 0123456789\n';

const State = Annotation.Root({ made_at: Annotation<number>, touched: Annotation<boolean>, text: Annotation<string> });

export const graph = new StateGraph(State)
  .addNode('make', () => {
    const made_at = Date.now();
    return { made_at, text: `${made_at}\n${LINE.repeat(BYTES / LINE.length)}` };
  })
  .addNode('touch', () => ({ touched: true }))
  .addEdge(START, 'make')
  .addEdge('make', 'touch')
  .addEdge('touch', END)
  .compile();
