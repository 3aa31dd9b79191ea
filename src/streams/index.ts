export { type EventLog } from './event-log.js';
export * from './event-frames.js';
export * from './event-stream.js';
export { parseLastEventId } from './last-event-id.js';
export { deleteStreams } from './postgres-event-log.js';
export { runDone, type RunStream, type StreamedRun } from './run-stream.js';
export * from './stream-event.js';
export { StreamsModule } from './streams.module.js';
