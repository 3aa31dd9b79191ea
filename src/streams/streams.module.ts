import { Module } from '@nestjs/common';
import { EventStream } from './event-stream.js';
import { InProcessEventStream } from './in-process-event-stream.js';

/**
 * Owns the way of a run's events from the process that executes it to its readers. "Resumable" means: a reader that
 * gives the last id it saw gets everything after it, without gap or repeat, while the events are kept.
 */
@Module({
  providers: [{ provide: EventStream, useClass: InProcessEventStream }],
  exports: [EventStream],
})
export class StreamsModule {}
