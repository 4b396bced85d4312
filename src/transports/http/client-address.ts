import { BlockList, isIP, isIPv4 } from 'node:net'

/** What is asked of a request: the address it came from, and the headers of proxies on its way. */
export interface ForwardedRequest {
  readonly remoteAddress: string | undefined
  getHeader(name: string): string | undefined
}
/** The address of the client, seen through the proxies that are trusted. */
export type ClientAddress = (request: ForwardedRequest) => string | undefined

/** Entries that are looked at; nobody has as many proxies. */
const maxHops = 20

/**
 * Reads `Forwarded` (RFC 7239) and `X-Forwarded-For`, as far as trusted proxies have written them.
 *
 * From the last entry on, each is the word of the one that comes after it: the first that is no trusted proxy is the
 * client. Whoever is not trusted may write what he likes, and is taken for the client himself.
 *
 * @param trusted - addresses (`10.0.0.1`, `::1`), networks (`10.0.0.0/8`), or `loopback`
 * @throws TypeError for what is neither
 */
export function clientAddressThrough(trusted: readonly string[]): ClientAddress {
  const list = blockListOf(trusted)
  const isTrusted = (address: string): boolean =>
    isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  return (request) => {
    const direct = plainAddress(request.remoteAddress)
    if (direct === undefined || !isTrusted(direct)) return request.remoteAddress
    let client = direct
    for (const hop of hopsOf(request).reverse().slice(0, maxHops)) {
      const address = plainAddress(hop)
      // `unknown` and hidden names: the last proxy is all that is known.
      if (address === undefined) return client
      client = address
      if (!isTrusted(address)) return client
    }
    return client
  }
}

function blockListOf(trusted: readonly string[]): BlockList {
  const list = new BlockList()
  for (const each of trusted) {
    if (each === 'loopback') {
      list.addSubnet('127.0.0.0', 8, 'ipv4')
      list.addAddress('::1', 'ipv6')
      continue
    }
    const [address = '', bits] = each.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    const most = family === 'ipv4' ? 32 : 128
    if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) throw notOne(each)
    if (bits === undefined) list.addAddress(address, family)
    else if (Number(bits) > most) throw notOne(each)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

function notOne(text: string): TypeError {
  return new TypeError(
    `Not an address or network of a proxy: "${text}"; 10.0.0.1, 10.0.0.0/8 and loopback are`,
  )
}

/** What each proxy says of the one before it, from the client on. */
function hopsOf(request: ForwardedRequest): string[] {
  const forwarded = request.getHeader('forwarded')
  if (forwarded !== undefined) return forwarded.split(',').map(forOf)
  const list = request.getHeader('x-forwarded-for')
  return list === undefined ? [] : list.split(',').map((each) => each.trim())
}

function forOf(element: string): string {
  for (const pair of element.split(';')) {
    const found = /^\s*for\s*=\s*"?([^"]*?)"?\s*$/i.exec(pair)
    if (found !== null) return found[1] ?? ''
  }
  return ''
}

/** An address without port and brackets; IPv4 in the clothes of IPv6 without them. Undefined for what is none. */
function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 60) return undefined
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1]
  const withPort = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(text)?.[1]
  const bare = bracketed ?? withPort ?? text
  const plain = bare.replace(/^::ffff:(?=\d{1,3}(?:\.\d{1,3}){3}$)/i, '')
  return isIP(plain) === 0 ? undefined : plain
}
