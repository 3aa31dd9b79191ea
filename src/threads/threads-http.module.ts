import { Module } from '@nestjs/common';
import { ThreadStorageController } from './thread-storage.controller.js';
import { ThreadStateController } from './thread-state.controller.js';
import { ThreadsController } from './threads.controller.js';
import { ThreadsModule } from './threads.module.js';

/** The routes of threads; a worker-only process does not load them. */
@Module({ imports: [ThreadsModule], controllers: [ThreadStorageController, ThreadsController, ThreadStateController] })
export class ThreadsHttpModule {}
