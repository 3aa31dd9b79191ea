import { ApiError } from '../common/index.js';

/** There is no such assistant, and no graph of that name. */
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

/** The id is taken and the caller asked to be told. */
export class AssistantExistsError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 409,
      code: 'assistant_exists',
      detail: `Assistant ${assistant_id} already exists. Send if_exists "do_nothing" to get the existing one.`,
    });
  }
}

/** The server derives the ids of system assistants like this one, perhaps for a graph that is added later. */
export class ReservedAssistantIdError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 422,
      code: 'assistant_id_reserved',
      detail:
        `assistant_id: ${assistant_id} is a version 5 UUID, which only the assistants of graphs have. ` +
        'Send a random UUID (version 4 or 7), or none.',
    });
  }
}

/** A client registered an assistant under the id of a graph that has been added since. Stops the start. */
export class GraphAssistantTakenError extends Error {
  constructor(graph_id: string, assistant_id: string) {
    super(
      `Graph "${graph_id}" of langgraph.json needs the assistant id ${assistant_id}, which a client has registered: runs of ` +
        `the graph would execute that client's assistant. Delete it (DELETE FROM assistants WHERE assistant_id = ` +
        `'${assistant_id}'), or rename the graph.`,
    );
    this.name = 'GraphAssistantTakenError';
  }
}

/** The assistant that stands for a graph would come back at the next start. */
export class SystemAssistantError extends ApiError {
  constructor(assistant_id: string) {
    super({
      status: 409,
      code: 'system_assistant',
      detail: `Assistant ${assistant_id} stands for a graph of langgraph.json; remove the graph there instead.`,
    });
  }
}
