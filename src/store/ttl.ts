import { MAX_SECONDS } from '../common/index.js';

const MAX_MINUTES = MAX_SECONDS / 60;

export const isTtl = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value <= MAX_MINUTES;

export const TTL_MESSAGE = 'must be minutes greater than 0, or null for an item that does not expire';

export const TTL_SCHEMA = { type: ['number', 'null'], exclusiveMinimum: 0, maximum: MAX_MINUTES };
