/** Told of failures that clients see only in outline. */
export type ErrorHook = (error: unknown, request: { method: string } | undefined) => void

/** Of the whole process, in which there may be several copies of this module. */
const processHook: unique symbol = Symbol.for('tsmcp.errorHook') as never
const place = globalThis as { [processHook]?: ErrorHook | undefined }

/** What servers without a hook of their own do from now on; for the program that serves them. */
export function reportErrorsTo(hook: ErrorHook | undefined): void {
  place[processHook] = hook
}

/** The user's hook, or one line on stderr for each failure. Never throws, whatever the hook does. */
export function errorReporter(hook?: ErrorHook): ErrorHook {
  return (error, request) => {
    try {
      const report = hook ?? place[processHook] ?? reportError
      report(error, request)
    } catch {
      console.error('tsmcp: onError threw while it was told of a failure')
    }
  }
}

function reportError(error: unknown, request: { method: string } | undefined): void {
  const where = request === undefined ? '' : `${request.method}: `
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  console.error(`tsmcp: ${where}${what.replace(/\s+/g, ' ')}`)
}
