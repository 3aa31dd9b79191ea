import { Injectable } from '@nestjs/common';
import { Histogram, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** What the process measures. Whoever has a figure makes its metric here; names begin with `nestgraph_`. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  readonly contentType = this.registry.contentType;

  /** How often values were how large. `buckets` are upper bounds, in the unit that the name ends in. */
  histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }

  /** In the text format of Prometheus. */
  asText(): Promise<string> {
    return this.registry.metrics();
  }

  asJson(): Promise<MetricObjectWithValues<MetricValue<string>>[]> {
    return this.registry.getMetricsAsJSON();
  }
}
