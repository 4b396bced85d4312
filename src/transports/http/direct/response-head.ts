import { builtin } from '../../../internal/builtin.ts'
import type { HttpHeaders } from '../exchange.ts'

/** RFC 9110, 5.5: what a value of ours may hold. */
const plainValue = /^[\t -~]*$/

let dateSecond = 0
let dateLine = ''

/** RFC 9110, 6.6.1: a server with a clock says the time. Once a second is as exact as the header can be. */
function currentDateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateLine = `date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return dateLine
}

/** The last head that was made: most responses of a server have the same one. */
let last: { status: number; headers: HttpHeaders; text: string } | undefined

/**
 * Status line and headers of a response, up to where the headers about its framing follow.
 *
 * @throws TypeError for a value that would break the head
 */
export function responseHead(status: number, headers: HttpHeaders): string {
  if (last?.headers !== headers || last.status !== status) {
    let text = `HTTP/1.1 ${status} ${builtin.http.STATUS_CODES[status] ?? ''}\r\n`
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const value = headers[index + 1] ?? ''
      if (!plainValue.test(value)) throw new TypeError(`Invalid value of header ${headers[index]}`)
      text += `${headers[index]}: ${value}\r\n`
    }
    last = { status, headers, text }
  }
  return last.text + currentDateLine()
}
