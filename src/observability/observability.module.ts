import { Module } from '@nestjs/common';
import { HealthChecks } from './health-checks.js';

/** Owns what operators look at: logs, health. */
@Module({ providers: [HealthChecks], exports: [HealthChecks] })
export class ObservabilityModule {}
