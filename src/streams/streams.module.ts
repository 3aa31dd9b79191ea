import { Module } from '@nestjs/common';
import { EventLog } from './event-log.js';
import { EventStream } from './event-stream.js';
import { PostgresEventLog } from './postgres-event-log.js';

/**
 * Delivers events from the process that executes a run to its readers, whichever process they are connected to.
 * "Resumable" means: a client that reconnects to any process with `Last-Event-ID` gets every later event, without gaps or
 * repeats, as long as the events are stored. This holds even when the process that produced them dies.
 */
@Module({
  providers: [{ provide: EventLog, useClass: PostgresEventLog }, EventStream],
  exports: [EventStream],
})
export class StreamsModule {}
