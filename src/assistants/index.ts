export { AssistantAccess } from './assistant-access.js';
export * from './assistants.errors.js';
export { AssistantsHttpModule } from './assistants-http.module.js';
export { AssistantsModule } from './assistants.module.js';
export { AssistantsService } from './assistants.service.js';
export type { RunAssistant } from './assistant-cache.js';
export { RunAssistants } from './run-assistants.js';
