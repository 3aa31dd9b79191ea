import { AnyJson, Custom, MAX_UPDATES, NestedList, StringField } from '../../http/index.js';
import { isCommand, type WireCommand } from '../../execution/index.js';

/** The update of one node in a superstep. */
export class SuperstepUpdate {
  /** Return value of the node: values for the state's channels, or null. */
  @AnyJson({ description: "Return value of the node: values for the state's channels, or null." })
  values?: unknown;
  /** Command that the node returned instead. */
  @Custom({ type: 'object', additionalProperties: true }, 'must be an object with resume, update or goto', isCommand)
  command?: WireCommand;
  /** Name of the node; `__input__` for the input of the graph. */
  @StringField({ required: true })
  as_node: string;
}

/** A superstep to apply to a new thread (contract 1.2). */
export class Superstep {
  /** Updates of its nodes, which ran in parallel. */
  @NestedList(() => SuperstepUpdate, { required: true, minimum: 1, maximum: MAX_UPDATES })
  updates: SuperstepUpdate[];
}
