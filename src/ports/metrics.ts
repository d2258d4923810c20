// The port to metrics: counters, gauges and histograms with labels of bounded cardinality.

export interface MetricOptions<Label extends string> {
  /** In the Prometheus manner: `earshot_<thing>_<unit>[_total]`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>;

export interface Counter<Label extends string = never> {
  add(by: number, labels: Labels<Label>): void;
}

export interface Histogram<Label extends string = never> {
  observe(value: number, labels: Labels<Label>): void;
}

export interface Metrics {
  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label>;
  /** Read when the metrics are scraped. */
  gauge(options: MetricOptions<never>, read: () => number): void;
  /** One figure for each value of one label, all read when the metrics are scraped. */
  gauges<Label extends string>(
    options: MetricOptions<Label> & { readonly labels: readonly [Label] },
    read: () => Readonly<Record<string, number>>,
  ): void;
  /** A counter that somebody else counts: read when the metrics are scraped; never goes down. */
  total(options: MetricOptions<never>, read: () => number): void;
  histogram<Label extends string = never>(
    options: MetricOptions<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label>;
  /** All of them in the text format of Prometheus. */
  exposition(): Promise<{ readonly contentType: string; readonly body: string }>;
}
