import type { ThreadTtlConfig } from '../config/index.js';
import { isObject, MAX_SECONDS } from '../common/index.js';
import { PRUNE_STRATEGIES, type PruneStrategy, type ThreadEntity } from './thread.entity.js';

const MOST_MINUTES = MAX_SECONDS / 60;

const MS_PER_MINUTE = 60_000;

/** How long a thread stays after its last activity, and what is done with it then. */
export interface ThreadTtl {
  minutes: number;
  strategy: PruneStrategy;
}

const isMinutes = (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= MOST_MINUTES;

/** Minutes, or an object with them and a strategy (contract 2.13). */
export const isTtl = (value: unknown): boolean =>
  isMinutes(value) ||
  (isObject(value) && isMinutes(value.ttl) && [undefined, null, ...PRUNE_STRATEGIES].includes(value.strategy as never));

export const TTL_MESSAGE = `must be minutes greater than 0, or an object with them as ttl and a strategy of ${PRUNE_STRATEGIES.join(', ')}`;

export const TTL_SCHEMA = {
  oneOf: [
    { type: 'number', minimum: 0, maximum: MOST_MINUTES },
    {
      type: 'object',
      required: ['ttl'],
      properties: { ttl: { type: 'number' }, strategy: { type: 'string', enum: [...PRUNE_STRATEGIES] } },
    },
  ],
};

/** What {@link isTtl} has let pass; undefined when nothing was asked for. */
export function toTtl(value: unknown): ThreadTtl | undefined {
  if (isObject(value)) {
    return { minutes: value.ttl as number, strategy: (value.strategy as PruneStrategy | null) ?? 'delete' };
  }
  return typeof value === 'number' ? { minutes: value, strategy: 'delete' } : undefined;
}

/** What new threads get when nobody asks for anything else. */
export const defaultTtl = ({ default_minutes: minutes, strategy }: ThreadTtlConfig): ThreadTtl | undefined =>
  minutes === undefined ? undefined : { minutes, strategy };

/** As the API shows it (contract 2.4). */
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
