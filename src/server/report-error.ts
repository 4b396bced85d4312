/** Tells the operator of a failure in one line on stderr; the client has been told what it may know. */
export function reportError(error: unknown, request: { method: string } | undefined): void {
  const where = request === undefined ? '' : `${request.method}: `
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  console.error(`tsmcp: ${where}${what.replace(/\s+/g, ' ')}`)
}
