import { Command, Send } from '@langchain/langgraph';
import { isObject } from '../../common/index.js';
import { MAX_ITEMS } from '../../http/index.js';

/** A Command in wire format (contract 2.12). */
export interface WireCommand {
  update?: unknown;
  resume?: unknown;
  goto?: unknown;
}

/** True when {@link toCommand} can convert the value. */
export const isCommand = (value: unknown): boolean =>
  isObject(value) &&
  isUpdate(value.update) &&
  isBounded(targetsOf(value.goto)) &&
  targetsOf(value.goto).every(isTarget);

const isUpdate = (update: unknown): boolean =>
  update === undefined ||
  update === null ||
  isObject(update) ||
  (Array.isArray(update) && isBounded(update) && update.every(isPair));

const isBounded = (list: unknown[]): boolean => list.length <= MAX_ITEMS;

const isPair = (pair: unknown): boolean => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string';

const targetsOf = (goto: unknown): unknown[] =>
  Array.isArray(goto) ? goto : goto === undefined || goto === null ? [] : [goto];

const isTarget = (target: unknown): boolean =>
  typeof target === 'string' || (isObject(target) && typeof target.node === 'string');

/**
 * Converts a wire command to LangGraph's Command. `resume: null` is a resume value, an absent `resume` is not. LangGraph
 * treats null as absent, so a null is mapped to the id of every pending interrupt.
 */
export async function toCommand(
  command: WireCommand,
  pendingInterrupts: () => Promise<string[]>,
): Promise<Command | null> {
  const { resume, ...rest } = command;
  if (resume !== null) {
    return newCommand(command);
  }
  const ids = await pendingInterrupts();
  if (ids.length === 0 && (rest.update ?? rest.goto ?? null) === null) {
    return null;
  }
  return newCommand({ ...rest, ...(ids.length > 0 && { resume: Object.fromEntries(ids.map((id) => [id, null])) }) });
}

function newCommand({ update, resume, goto }: WireCommand): Command {
  return new Command({
    ...(update !== undefined && update !== null && { update: update as Record<string, unknown> }),
    ...(resume !== undefined && { resume }),
    ...(goto !== undefined && goto !== null && { goto: toGoto(goto) }),
  });
}

function toGoto(goto: unknown): string | Send | (string | Send)[] {
  return Array.isArray(goto) ? goto.map(toTarget) : toTarget(goto);
}

const toTarget = (target: unknown): string | Send =>
  isObject(target) ? new Send(String(target.node), target.input) : String(target);
