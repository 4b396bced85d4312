const maxWarned = 1000
const warned = new Set<string>()

/** Tells the operator of something doubtful, on stderr and through `process.on('warning')`, once for each text. */
export function warnOnce(code: string, text: string): void {
  if (warned.has(text)) return
  if (warned.size >= maxWarned) warned.clear()
  warned.add(text)
  process.emitWarning(text, { code })
}
