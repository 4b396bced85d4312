/** What is measured, and how: one row of the catalogue. */
export interface MetricDefinition {
  /** The name as OpenTelemetry has it; that of Prometheus follows from it. */
  readonly name: string
  readonly instrument: Instrument
  /** In the Unified Code for Units of Measure: `s`, `By`, `1`, or what is counted in braces. */
  readonly unit: string
  /** One sentence. */
  readonly description: string
  /** The attributes that tell its series apart; none has any other. */
  readonly attributes: readonly string[]
  /** Upper bounds of the buckets, for histograms. */
  readonly buckets?: readonly number[]
  /**
   * How the figures of several processes become one. What each counts for itself is added; what is the same for all of
   * them, or worst where it is highest, is not.
   */
  readonly ofWorkers: 'sum' | 'max'
  /**
   * `development`: may change with the convention that it follows. `stable`: changes with a major version of tsmcp only.
   */
  readonly stability: 'development' | 'stable'
  /** Who names it. */
  readonly source: 'MCP' | 'Node.js' | 'process' | 'tsmcp'
}

/**
 * `counter` only grows, `updowncounter` is added up over series, `gauge` is not, `histogram` counts by size.
 */
type Instrument = 'counter' | 'updowncounter' | 'gauge' | 'histogram'
