import { Injectable } from '@nestjs/common';

/** The registry of health checks. Modules that depend on an external service register a check here. */
@Injectable()
export class HealthChecks {
  private readonly checks: (() => Promise<unknown>)[] = [];
  private readonly vital: (() => boolean)[] = [];

  /** `check` rejects while its service is unavailable. */
  register(check: () => Promise<unknown>): void {
    this.checks.push(check);
  }

  /** `check` returns false while a part of this server does not work. It must be cheap: every health check calls it. */
  registerVital(check: () => boolean): void {
    this.vital.push(check);
  }

  /** True when all parts of this server work. */
  isAlive(): boolean {
    return this.vital.every((check) => check());
  }

  /** True when all checks pass. */
  async pass(): Promise<boolean> {
    const results = await Promise.allSettled(this.checks.map((check) => check()));
    return results.every(({ status }) => status === 'fulfilled');
  }
}
