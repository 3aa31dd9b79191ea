export { Run } from './dto/run.dto.js';
export { RunPayload, RunRequest } from './dto/run-requests.dto.js';
export { assertVisible, RunAccess } from './access/run-access.js';
export { type DecidedRun, RunPermissions } from './creation/run-permissions.js';
export * from './runs.errors.js';
export { type BatchItem, type CreateRun, RunCreationService } from './creation/run-creation.service.js';
export { RunsHttpModule } from './runs-http.module.js';
export { RunsModule } from './runs.module.js';
export { RunsService } from './runs.service.js';
