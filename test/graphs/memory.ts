// Does with its store what it is told to: at its top, in a subgraph, and in a node that an update of the state runs.
import {
  Annotation,
  END,
  getStore,
  InMemoryStore,
  type LangGraphRunnableConfig,
  START,
  StateGraph,
} from '@langchain/langgraph';

/** The name of a method of the store, and what it is given. */
type Call = [method: string, ...given: unknown[]];

const State = Annotation.Root({
  calls: Annotation<Call[][]>(),
  /** Whether the subgraph does it. */
  below: Annotation<boolean>(),
  answers: Annotation<unknown[]>({ reducer: (before, after) => [...before, ...after], default: () => [] }),
});

type Methods = Record<string, (...given: unknown[]) => Promise<unknown>>;

/** The calls of one list at the same time, one list after the other. */
async function carryOut(store: unknown, calls: Call[][] = []): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const together of calls) {
    answers.push(
      ...(await Promise.all(
        together.map(([method, ...given]) =>
          (store as Methods)[method](...given).then(
            (answer) => answer ?? null,
            (error: Error) => ({ refused: error.message }),
          ),
        ),
      )),
    );
  }
  return answers;
}

const inner = new StateGraph(State)
  .addNode('remember', async ({ calls }: typeof State.State) => ({ answers: await carryOut(getStore(), calls) }))
  .addEdge(START, 'remember')
  .addEdge('remember', END)
  .compile({ store: new InMemoryStore() });

export const graph = new StateGraph(State)
  .addNode('remember', async ({ calls }: typeof State.State, { store }: LangGraphRunnableConfig) => ({
    answers: await carryOut(store, calls),
  }))
  .addNode('subgraph', inner)
  .addConditionalEdges(START, ({ below }) => (below ? 'subgraph' : 'remember'))
  .addConditionalEdges('remember', async (_state, { store }: LangGraphRunnableConfig) => {
    // Also run by an update of the state "as" the node.
    await store?.put(['memory', 'routers'], 'last', { seen: true });
    return END;
  })
  .addEdge('subgraph', END)
  .compile({ store: new InMemoryStore() });
