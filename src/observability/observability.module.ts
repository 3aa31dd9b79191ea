import { Module } from '@nestjs/common';
import { HealthChecks } from './health-checks.js';
import { LangSmith } from './langsmith.js';

/** Owns what operators look at: logs, health, traces. */
@Module({ providers: [HealthChecks, LangSmith], exports: [HealthChecks, LangSmith] })
export class ObservabilityModule {}
