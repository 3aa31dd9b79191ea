import { OneOf } from '../common/index.js';

export class MetricsQuery {
  /** The text format of Prometheus, or JSON. */
  @OneOf(['text', 'json'], { default: 'text' })
  format: 'text' | 'json' = 'text';
}
