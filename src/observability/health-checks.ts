import { Injectable } from '@nestjs/common';

/** What must work for this server to be well. Whatever depends on something outside registers its check here. */
@Injectable()
export class HealthChecks {
  private readonly checks: (() => Promise<unknown>)[] = [];
  private readonly vital: (() => boolean)[] = [];

  /** `check` rejects when the thing does not work. */
  register(check: () => Promise<unknown>): void {
    this.checks.push(check);
  }

  /** `check` is false while a part of this server itself does not work. It costs nothing, so every health check asks it. */
  registerVital(check: () => boolean): void {
    this.vital.push(check);
  }

  /** True when all parts of this server itself work. */
  isAlive(): boolean {
    return this.vital.every((check) => check());
  }

  /** True when all checks pass. */
  async pass(): Promise<boolean> {
    const results = await Promise.allSettled(this.checks.map((check) => check()));
    return results.every(({ status }) => status === 'fulfilled');
  }
}
