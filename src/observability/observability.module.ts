import { Module } from '@nestjs/common';
import { HealthChecks } from './health-checks.js';
import { LangSmith } from './langsmith.js';
import { Metrics } from './metrics.js';

/** Owns health checks, metrics and traces. */
@Module({ providers: [HealthChecks, LangSmith, Metrics], exports: [HealthChecks, LangSmith, Metrics] })
export class ObservabilityModule {}
