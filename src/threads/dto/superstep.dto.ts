import { AnyJson, Custom, MAX_UPDATES, NestedList, Text } from '../../common/index.js';
import { isCommand, type WireCommand } from '../../execution/index.js';

/** What one node has done in a superstep. */
export class SuperstepUpdate {
  /** What the node returned: values for the state's channels, or null for nothing. */
  @AnyJson({ description: 'What the node returned: values for the channels of the state, or null.' })
  values?: unknown;
  /** A command that it returned instead. */
  @Custom({ type: 'object', additionalProperties: true }, 'must be an object with resume, update or goto', isCommand)
  command?: WireCommand;
  /** Name of the node; `__input__` for the input of the graph. */
  @Text({ required: true })
  as_node: string;
}

/** A superstep to apply to a new thread (contract 1.2). */
export class Superstep {
  /** What its nodes have done, side by side. */
  @NestedList(() => SuperstepUpdate, { required: true, minimum: 1, maximum: MAX_UPDATES })
  updates: SuperstepUpdate[];
}
