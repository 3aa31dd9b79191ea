import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';

/** The routes that say how the server is. */
@Module({ controllers: [HealthController] })
export class HealthHttpModule {}
