import { Injectable } from '@nestjs/common';

/** What must work for this server to be well. Whatever depends on something outside registers its check here. */
@Injectable()
export class HealthChecks {
  private readonly checks: (() => Promise<unknown>)[] = [];

  /** `check` rejects when the thing does not work. */
  register(check: () => Promise<unknown>): void {
    this.checks.push(check);
  }

  /** True when all checks pass. */
  async pass(): Promise<boolean> {
    const results = await Promise.allSettled(this.checks.map((check) => check()));
    return results.every(({ status }) => status === 'fulfilled');
  }
}
