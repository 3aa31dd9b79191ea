export { ThreadAccess, type ThreadPermission } from './thread-access.js';
export { Thread } from './dto/thread.dto.js';
export { ThreadParams } from './dto/thread-requests.dto.js';
export { THREAD_STATUSES, type ThreadStatus } from './thread.entity.js';
export { type LastRun, ThreadStateService } from './thread-state.service.js';
export {
  columnsWithoutState,
  type LastRunStatus,
  pendingInterrupts,
  type SettledState,
  statusAfterRunSql,
  threadColumns,
  type ThreadColumns,
  threadStatus,
} from './thread-status.js';
export { stateUpdate } from './thread-stream.service.js';
export { defaultTtl, type ThreadTtl } from './thread-ttl.js';
export * from './threads.errors.js';
export { ThreadsHttpModule } from './threads-http.module.js';
export { ThreadsModule } from './threads.module.js';
export { ThreadsService } from './threads.service.js';
