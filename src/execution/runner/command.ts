import { Command, Send } from '@langchain/langgraph';
import { isObject } from '../../common/index.js';

/** A Command as it comes over the wire (contract 2.12). */
export interface WireCommand {
  update?: unknown;
  resume?: unknown;
  goto?: unknown;
}

/** LangGraph's Command. `resume: null` is an answer, an absent `resume` is none. */
export function toCommand({ update, resume, goto }: WireCommand): Command {
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
