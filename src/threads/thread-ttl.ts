import type { ThreadTtlConfig } from '../config/index.js';
import { isObject, MAX_SECONDS } from '../common/index.js';
import { PRUNE_STRATEGIES, type PruneStrategy, type ThreadEntity } from './thread.entity.js';

const MAX_MINUTES = MAX_SECONDS / 60;

const MS_PER_MINUTE = 60_000;

/** How long a thread is kept after its last activity, and what happens to it then. */
export interface ThreadTtl {
  minutes: number;
  strategy: PruneStrategy;
}

const isMinutes = (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= MAX_MINUTES;

/** Accepts minutes, or an object with minutes and a strategy (contract 2.13). */
export const isTtl = (value: unknown): boolean =>
  isMinutes(value) ||
  (isObject(value) && isMinutes(value.ttl) && [undefined, null, ...PRUNE_STRATEGIES].includes(value.strategy as never));

export const TTL_MESSAGE = `must be a number of minutes greater than 0, or an object with the minutes as ttl and a strategy: ${PRUNE_STRATEGIES.join(', ')}`;

export const TTL_SCHEMA = {
  oneOf: [
    { type: 'number', minimum: 0, maximum: MAX_MINUTES },
    {
      type: 'object',
      required: ['ttl'],
      properties: { ttl: { type: 'number' }, strategy: { type: 'string', enum: [...PRUNE_STRATEGIES] } },
    },
  ],
};

/** Converts a value accepted by {@link isTtl}; undefined if no TTL was requested. */
export function toTtl(value: unknown): ThreadTtl | undefined {
  if (isObject(value)) {
    return { minutes: value.ttl as number, strategy: (value.strategy as PruneStrategy | null) ?? 'delete' };
  }
  return typeof value === 'number' ? { minutes: value, strategy: 'delete' } : undefined;
}

/** The TTL of new threads without a requested TTL. */
export const defaultTtl = ({ default_minutes: minutes, strategy }: ThreadTtlConfig): ThreadTtl | undefined =>
  minutes === undefined ? undefined : { minutes, strategy };

/** The TTL in its API form (contract 2.4). */
export const toWireTtl = ({
  ttl_minutes,
  ttl_strategy,
  updated_at,
}: Pick<ThreadEntity, 'ttl_minutes' | 'ttl_strategy' | 'updated_at'>): object | null =>
  ttl_minutes === null
    ? null
    : {
        strategy: ttl_strategy,
        ttl_minutes,
        expires_at: new Date(updated_at.getTime() + ttl_minutes * MS_PER_MINUTE),
      };
