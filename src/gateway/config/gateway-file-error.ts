/** What is wrong in a configuration file, and where. Values of the file are never in it: they may be secrets. */
export class GatewayFileError extends Error {
  override readonly name = 'GatewayFileError'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly reason: string

  constructor(file: string, line: number, column: number, reason: string) {
    super(`${file}:${line}:${column}: ${reason}`)
    this.file = file
    this.line = line
    this.column = column
    this.reason = reason
  }
}
