import { Module } from '@nestjs/common';
import { EventLog } from './event-log.js';
import { EventStream } from './event-stream.js';
import { PostgresEventLog } from './postgres-event-log.js';

/**
 * Owns the way of events from the process that executes a run to their readers, wherever those are connected.
 * "Resumable" means: a reader that gives the last id it saw gets everything after it, without gap or repeat, from any
 * process, while the events are kept; whatever happens to the process that made them.
 */
@Module({
  providers: [{ provide: EventLog, useClass: PostgresEventLog }, EventStream],
  exports: [EventStream],
})
export class StreamsModule {}
