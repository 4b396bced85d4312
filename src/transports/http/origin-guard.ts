export interface OriginGuardOptions {
  /**
   * Host names that requests may be addressed to, without port; `*` allows all. Default: the names of the loopback
   * interface.
   */
  allowedHosts?: readonly string[]
  /** Origins of web pages that may call, for instance `https://app.example.com`; `*` allows all. Default: those on allowed hosts that are loopback names. */
  allowedOrigins?: readonly string[]
}

export const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/**
 * Keeps web pages of strangers out (DNS rebinding; 2025-11-25, transports#security-warning).
 *
 * @returns what is wrong with a request's Host or Origin, or undefined
 */
export function createOriginGuard(
  options: OriginGuardOptions,
): (host: string | undefined, origin: string | undefined) => string | undefined {
  const hosts = new Set((options.allowedHosts ?? loopbackHosts).map((each) => each.toLowerCase()))
  const origins = new Set((options.allowedOrigins ?? []).map((each) => each.toLowerCase()))
  const hostAllowed = (host: string): boolean =>
    // Several hosts in one header are an attempt to be taken for another behind a proxy.
    !/[\s,]/.test(host) && (hosts.has('*') || hosts.has(hostName(host)))
  const originAllowed = (origin: string): boolean => {
    if (origins.has('*') || origins.has(origin.toLowerCase())) return true
    if (!URL.canParse(origin)) return false
    const { protocol, hostname } = new URL(origin)
    const isWeb = protocol === 'http:' || protocol === 'https:'
    return isWeb && loopbackHosts.includes(hostname) && hostAllowed(hostname)
  }
  // Nearly all requests of a server name the same host.
  let lastHost: string | undefined
  return (host, origin) => {
    if (host === undefined) return 'Host header required'
    if (host !== lastHost) {
      if (!hostAllowed(host)) return 'Host not allowed'
      lastHost = host
    }
    if (origin !== undefined && !originAllowed(origin)) return 'Origin not allowed'
    return undefined
  }
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, '')
}
