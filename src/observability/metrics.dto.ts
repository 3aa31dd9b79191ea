import { OneOf } from '../http/index.js';

export class MetricsQuery {
  /** Response format: the Prometheus text format, or JSON. */
  @OneOf(['text', 'json'], { default: 'text' })
  format: 'text' | 'json' = 'text';
}
