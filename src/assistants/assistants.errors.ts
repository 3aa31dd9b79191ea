import { ApiError } from '../common/index.js';

/** There is no such assistant, and no graph of that name. */
export class AssistantNotFoundError extends ApiError {
  constructor(assistant_id: string) {
    super({ status: 404, code: 'assistant_not_found', detail: `Assistant not found: ${assistant_id}` });
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
