import { isSecretName } from './secret-names.ts'

/** The pages that elicitation sends users to (client/elicitation#safe-url-handling). */

const emailAddress = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
const cardNumber = /^\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}$/

/** @throws TypeError for what is no URL, or one that carries credentials or says who the user is */
export function checkElicitationUrl(text: string): void {
  const url = URL.parse(text)
  if (url === null) throw new TypeError(`Not a URL to send the user to: ${text}`)
  const fragment = new URLSearchParams(url.hash.slice(1))
  const parameters = [...url.searchParams, ...fragment]
  const isSignedIn =
    url.username !== '' || url.password !== '' || parameters.some(([name]) => isSecretName(name))
  if (isSignedIn) {
    throw new TypeError('A URL to send the user to must not carry credentials')
  }
  if (parameters.some(([, value]) => emailAddress.test(value) || cardNumber.test(value))) {
    throw new TypeError('A URL to send the user to must not carry personal data')
  }
}

/** Whether the way to the page is encrypted, or does not leave this machine. */
export function isSafeUrl(text: string): boolean {
  const { protocol, hostname } = new URL(text)
  return protocol !== 'http:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
