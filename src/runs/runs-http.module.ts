import { Module } from '@nestjs/common';
import { ThreadsModule } from '../threads/index.js';
import { RunsModule } from './runs.module.js';
import { StatelessRunsController } from './stateless-runs.controller.js';
import { ThreadRunsController } from './thread-runs.controller.js';

/** The HTTP routes of runs. A worker process does not load them. */
@Module({ imports: [RunsModule, ThreadsModule], controllers: [ThreadRunsController, StatelessRunsController] })
export class RunsHttpModule {}
