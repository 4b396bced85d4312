/** Values that may have to be waited for. What is at hand is passed on at once: no promise, no extra turn. */

export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** Applies a function to a value now, or when its promise is fulfilled. */
export function mapMaybe<Value, Result>(
  value: Value | Promise<Value>,
  use: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return isPromise(value) ? (value as Promise<Value>).then(use) : use(value as Value)
}
