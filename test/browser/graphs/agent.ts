// Does what its last message says: asks a human before it sends a mail, calls a tool that has no answer, shows a
// component, or just answers.
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import {
  Annotation,
  END,
  interrupt,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { typedUi, type UIMessage, uiMessageReducer } from '@langchain/langgraph-sdk/react-ui/server';
import { SlowModel } from './slow-model.js';

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  ui: Annotation<UIMessage[], Parameters<typeof uiMessageReducer>[1]>({ reducer: uiMessageReducer, default: () => [] }),
  context: Annotation<Record<string, unknown> | undefined>(),
});

const MAIL = { action: 'send_mail', args: { to: 'parrots' } };

/** What a human may decide in the agent inbox. */
interface Decision {
  type: 'accept' | 'edit' | 'response' | 'ignore';
  args: string | { action: string; args: Record<string, unknown> } | null;
}

const call = (name: string, args: Record<string, unknown>): AIMessage =>
  new AIMessage({ content: '', tool_calls: [{ id: crypto.randomUUID(), name, args }] });

/** What a model is given, in short. */
const kindsOf = (messages: BaseMessage[]): string =>
  messages.map((message) => (HumanMessage.isInstance(message) ? 'human' : message.getType())).join(' ');

async function decide(state: typeof State.State, config: LangGraphRunnableConfig) {
  const text = state.messages.at(-1)!.text;
  switch (text) {
    case 'mail':
      return { messages: [call(MAIL.action, MAIL.args)] };
    case 'leave a call open':
      return { messages: [call('nobody_answers', {})] };
    case 'show parrots': {
      const message = new AIMessage({ id: crypto.randomUUID(), content: 'Here they are.' });
      const ui = typedUi(config);
      const id = crypto.randomUUID();
      ui.push({ id, name: 'birds', props: { count: 1 }, metadata: { message_id: message.id } });
      ui.push({ id, name: 'birds', props: { kind: 'parrot' }, metadata: { message_id: message.id } }, { merge: true });
      ui.push({ id: 'gone', name: 'cage', props: {}, metadata: { message_id: message.id } });
      ui.delete('gone');
      return { messages: [message] };
    }
    default: {
      const model = new SlowModel(`You said ${text} after ${kindsOf(state.messages.slice(0, -1))}`, undefined);
      return { messages: [await model.invoke(state.messages, config)] };
    }
  }
}

function review({ messages }: typeof State.State) {
  const [{ id, name, args }] = (messages.at(-1) as AIMessage).tool_calls!;
  const [decision] = interrupt<unknown[], Decision[]>([
    {
      action_request: { action: name, args },
      config: { allow_accept: true, allow_edit: true, allow_respond: true, allow_ignore: true },
      description: 'May this mail be sent?',
    },
  ]);
  const content = `${decision.type} ${JSON.stringify(decision.args)}`;
  return { messages: [new ToolMessage({ tool_call_id: id!, name, content }), new AIMessage('That is done.')] };
}

const isMail = ({ messages }: typeof State.State): boolean =>
  (messages.at(-1) as AIMessage).tool_calls?.[0]?.name === MAIL.action;

export const graph = new StateGraph(State)
  .addNode('decide', decide)
  .addNode('review', review)
  .addEdge(START, 'decide')
  .addConditionalEdges('decide', (state) => (isMail(state) ? 'review' : END), ['review', END])
  .addEdge('review', END)
  .compile();
