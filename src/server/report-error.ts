/** Told of failures that clients see only in outline. */
export type ErrorHook = (error: unknown, request: { method: string } | undefined) => void

/** The user's hook, or one line on stderr for each failure. Never throws, whatever the hook does. */
export function errorReporter(hook: ErrorHook = reportError): ErrorHook {
  return (error, request) => {
    try {
      hook(error, request)
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
