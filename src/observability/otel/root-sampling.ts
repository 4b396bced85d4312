import { ROOT_CONTEXT, type Span, type SpanContext, TraceFlags } from '@opentelemetry/api'
import {
  type IdGenerator,
  RandomIdGenerator,
  SamplingDecision,
  type TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/**
 * Decides on requests that belong to no trace yet, before anything is made for them: where one in a hundred is sampled, the
 * other 99 should cost next to nothing. The ids of those are made when somebody asks for them, and all ids are such that
 * the sampler would decide in the same way.
 */
export class RootSampling implements IdGenerator {
  readonly #sampler: Pick<TraceIdRatioBasedSampler, 'shouldSample'>
  readonly #ratio: number
  readonly #ids = new RandomIdGenerator()
  #nextIsSampled = false

  constructor(sampler: Pick<TraceIdRatioBasedSampler, 'shouldSample'>, ratio: number) {
    this.#sampler = sampler
    this.#ratio = ratio
  }

  /** @returns the span of a request that is not sampled; undefined: the next span is to be made, and will be sampled */
  unsampled(): Span | undefined {
    if (Math.random() >= this.#ratio) return new UnsampledSpan(this)
    this.#nextIsSampled = true
    return undefined
  }

  generateTraceId(): string {
    if (!this.#nextIsSampled) return this.#ids.generateTraceId()
    this.#nextIsSampled = false
    return this.traceId(true)
  }

  generateSpanId(): string {
    return this.#ids.generateSpanId()
  }

  /** A trace id for which the sampler decides so. */
  traceId(isSampled: boolean): string {
    for (;;) {
      const traceId = this.#ids.generateTraceId()
      const { decision } = this.#sampler.shouldSample(ROOT_CONTEXT, traceId)
      if ((decision === SamplingDecision.RECORD_AND_SAMPLED) === isSampled) return traceId
    }
  }
}

/** Carries the decision, and ids where they are needed: for the log, and for what the handler calls. */
class UnsampledSpan implements Span {
  readonly #sampling: RootSampling
  #context: SpanContext | undefined = undefined

  constructor(sampling: RootSampling) {
    this.#sampling = sampling
  }

  spanContext(): SpanContext {
    this.#context ??= {
      traceId: this.#sampling.traceId(false),
      spanId: this.#sampling.generateSpanId(),
      traceFlags: TraceFlags.NONE,
    }
    return this.#context
  }
  isRecording(): boolean {
    return false
  }
  setAttribute(): this {
    return this
  }
  setAttributes(): this {
    return this
  }
  addEvent(): this {
    return this
  }
  addLink(): this {
    return this
  }
  addLinks(): this {
    return this
  }
  setStatus(): this {
    return this
  }
  updateName(): this {
    return this
  }
  end(): void {}
  recordException(): void {}
}
