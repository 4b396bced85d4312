import type { Network } from '../../server/observer.ts'
import type { Ending, Target } from '../operation.ts'
import type { Meter } from './meter.ts'
import type { Histogram } from './series.ts'
import type { Exemplar } from './snapshot.ts'

/** Counts operations as the semantic conventions of MCP want them (`mcp.server.operation.duration`). */
export class OperationMetrics {
  readonly #meter: Meter
  // The series of the operation before: mostly it is this one's, too.
  #last: Histogram | undefined = undefined
  #lastMethod = ''
  #lastName: string | undefined = undefined
  #lastErrorType: string | undefined = undefined
  #lastRevision = ''
  #lastNetwork: Network | undefined = undefined

  constructor(meter: Meter) {
    this.#meter = meter
  }

  record(
    { method, toolName, promptName }: Target,
    revision: string,
    network: Network,
    { errorType, statusCode }: Ending,
    seconds: number,
    exemplar: Exemplar | undefined,
  ): void {
    const name = toolName ?? promptName
    let histogram = this.#last
    if (
      histogram === undefined ||
      this.#lastMethod !== method ||
      this.#lastName !== name ||
      this.#lastErrorType !== errorType ||
      this.#lastRevision !== revision ||
      this.#lastNetwork !== network
    ) {
      histogram = this.#meter.histogram(
        'serverOperationDuration',
        method,
        errorType ?? null,
        toolName ?? null,
        promptName ?? null,
        method === 'tools/call' ? 'execute_tool' : null,
        statusCode ?? null,
        revision === '' ? null : revision,
        network.transport ?? null,
        network.protocol ?? null,
        network.version ?? null,
      )
      this.#last = histogram
      this.#lastMethod = method
      this.#lastName = name
      this.#lastErrorType = errorType
      this.#lastRevision = revision
      this.#lastNetwork = network
    }
    histogram.record(seconds, exemplar)
  }
}
