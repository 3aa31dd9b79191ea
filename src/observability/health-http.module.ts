import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { ObservabilityModule } from './observability.module.js';

/** The routes for health checks, server information and metrics. */
@Module({ imports: [ObservabilityModule], controllers: [HealthController, MetricsController] })
export class HealthHttpModule {}
