import { Injectable } from '@nestjs/common';
import { Histogram, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** The metrics of this process. Modules create their metrics here; names begin with `nestgraph_`. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  readonly contentType = this.registry.contentType;

  /** Creates a histogram. `buckets` are upper bounds in the unit that `name` ends with. */
  histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }

  /** Returns the Prometheus text format. */
  asText(): Promise<string> {
    return this.registry.metrics();
  }

  asJson(): Promise<MetricObjectWithValues<MetricValue<string>>[]> {
    return this.registry.getMetricsAsJSON();
  }
}
