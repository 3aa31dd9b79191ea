import { ApiError, StartupError } from '../common/index.js';

/** No assistant has this id, and no graph has this name. */
export class AssistantNotFoundError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 404,
      code: 'assistant_not_found',
      detail: `Assistant not found: ${assistant_id}. Send a graph id of langgraph.json, or the UUID of an assistant.`,
    });
  }
}

/** The assistant has no such version. */
export class AssistantVersionNotFoundError extends ApiError {
  constructor(assistant_id: string, version: number) {
    super({
      status: 404,
      code: 'assistant_version_not_found',
      detail: `Assistant ${assistant_id} has no version ${version}.`,
    });
  }
}

/** The id is taken, and the request has `if_exists: "raise"` or the caller may not see the existing assistant. */
export class AssistantExistsError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 409,
      code: 'assistant_exists',
      detail: `Assistant ${assistant_id} already exists. Send if_exists "do_nothing" to get the existing one.`,
    });
  }
}

/** The server derives ids of this form for system assistants, including those of graphs that are added later. */
export class ReservedAssistantIdError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 422,
      code: 'assistant_id_reserved',
      detail:
        `assistant_id: ${assistant_id} is a version 5 UUID, which is reserved for system assistants. ` +
        'Send a random UUID (version 4 or 7), or none.',
    });
  }
}

/** A client registered an assistant under the id of a graph that was added later. The server does not start. */
export class GraphAssistantTakenError extends StartupError {
  constructor(graph_id: string, assistant_id: string) {
    super(
      `Graph "${graph_id}" of langgraph.json needs the assistant id ${assistant_id}, which a client has registered: runs of ` +
        `the graph would execute that client's assistant. Delete it (DELETE FROM assistants WHERE assistant_id = ` +
        `'${assistant_id}'), or rename the graph.`,
    );
  }
}

/** A system assistant cannot be deleted, because the next start would create it again. */
export class SystemAssistantError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 409,
      code: 'system_assistant',
      detail: `Assistant ${assistant_id} is the system assistant of a graph. Remove the graph from langgraph.json instead.`,
    });
  }
}
