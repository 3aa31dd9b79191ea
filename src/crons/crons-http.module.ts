import { Module } from '@nestjs/common';
import { CronsController } from './crons.controller.js';
import { RunsModule } from '../runs/index.js';
import { ThreadsModule } from '../threads/index.js';
import { CronAccess } from './cron-access.js';
import { CronsModule } from './crons.module.js';

/** The routes of crons. A worker-only process does not load them. */
@Module({ imports: [CronsModule, RunsModule, ThreadsModule], controllers: [CronsController], providers: [CronAccess] })
export class CronsHttpModule {}
