/** An HTTP answer that refuses for want of credentials. */
export interface HttpRefusal {
  readonly url: URL
  /** 401 or 403. */
  readonly status: number
  /** A header of the response, by its name in lower case. */
  getHeader(name: string): string | undefined
  /** How often this request has been refused, this time included. */
  readonly attempt: number
}

/** Where the credentials of HTTP requests come from. */
export interface HttpAuth {
  /** The headers that carry them. Asked for before each request. */
  headers(method: string, url: URL): Record<string, string> | Promise<Record<string, string>>
  /** Finds other credentials. @returns whether the request is to be sent again */
  refused(refusal: HttpRefusal): Promise<boolean>
}
