import { type UiAudience, uiMimeType } from '../../protocol/apps.ts'
import type { Icon, JsonObject } from '../../protocol/types.ts'
import type { Context } from '../context.ts'
import { mapMaybe } from '../maybe-promise.ts'
import type { ResourceReader, Resources } from '../resources.ts'

type Html = string | Uint8Array
export type UiPermission = 'camera' | 'microphone' | 'geolocation' | 'clipboardWrite'

/** A user interface that hosts show beside the results of tools (MCP Apps, 2026-01-26). */
export interface UiConfig {
  /** Default: the URI. */
  name?: string
  title?: string
  description?: string
  icons?: Icon[]
  /** An HTML5 document, or a function that makes it for each reader. */
  html: Html | ((context: Context) => Html | Promise<Html>)
  /** Origins that it needs; without them it can reach nothing but what is in the document. */
  csp?: {
    /** For fetch, XMLHttpRequest and WebSocket. */
    connectDomains?: readonly string[]
    /** For images, scripts, styles, fonts and media. */
    resourceDomains?: readonly string[]
    /** For frames in it. */
    frameDomains?: readonly string[]
    /** For the base URI of the document. */
    baseUriDomains?: readonly string[]
  }
  /** What it would like to be allowed; it must do without. */
  permissions?: readonly UiPermission[]
  /** An origin of its own, in the form that the host's documentation says. */
  domain?: string
  /** Whether the host draws a border around it. Say so: hosts differ. */
  prefersBorder?: boolean
  /** Whether it stands in the list of resources; hosts find it by the tools that name it. Default true. */
  listed?: boolean
}

/** The user interface that shows a tool's results. */
export interface UiLink {
  /** The URI of a user interface that has been added by `server.ui()`. */
  resource: string
  /** Who may use the tool. Default: the model and the user interface. */
  visibility?: readonly UiAudience[]
}

const permissions: readonly UiPermission[] = [
  'camera',
  'microphone',
  'geolocation',
  'clipboardWrite',
]
const domainLists = ['connectDomains', 'resourceDomains', 'frameDomains', 'baseUriDomains'] as const
/** An origin, whose host may begin with a wildcard. Anything else in a policy could say more than it seems to. */
const originPattern = /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?$/i

/**
 * Adds a user interface as a resource.
 *
 * @returns a function that takes it away again
 * @throws TypeError for a URI or settings that the specification forbids, or a URI that is taken
 */
export function addUi(resources: Resources, uri: string, config: UiConfig): () => void {
  if (!/^ui:\/\/./.test(uri)) {
    throw new TypeError(`The URI of a user interface must begin with ui://, unlike ${uri}`)
  }
  const { html, csp, permissions: wanted, domain, prefersBorder, listed = true, ...rest } = config
  const ui: JsonObject = {
    ...(csp !== undefined && { csp: checkedCsp(csp) }),
    ...(wanted !== undefined && { permissions: checkedPermissions(wanted) }),
    ...(domain !== undefined && { domain }),
    ...(prefersBorder !== undefined && { prefersBorder }),
  }
  const meta = Object.keys(ui).length === 0 ? {} : { _meta: { ui } }
  if (typeof html !== 'function') checkHtml(html)
  const read: ResourceReader = (_request, context) =>
    mapMaybe(typeof html === 'function' ? html(context) : html, (document) => {
      checkHtml(document)
      const content = typeof document === 'string' ? { text: document } : { blob: document }
      return { ...content, mimeType: uiMimeType, ...meta }
    })
  const described = { ...rest, mimeType: uiMimeType, ...meta }
  if (listed) return resources.add(uri, described, read)
  if (resources.has(uri)) throw new TypeError(`There is one already in resources: ${uri}`)
  return resources.addUnlisted(uri, described, read)
}

/**
 * The `_meta` of a tool whose results a user interface shows.
 *
 * @throws TypeError when there is no such user interface, or the visibility is none
 */
export function linkedMeta(
  resources: Resources,
  link: string | UiLink,
  meta: JsonObject | undefined,
): JsonObject {
  const { resource, visibility } = typeof link === 'string' ? { resource: link } : link
  if (!resource.startsWith('ui://') || !resources.has(resource)) {
    throw new TypeError(`There is no user interface ${resource}: add it by server.ui() first`)
  }
  if (visibility !== undefined) checkVisibility(visibility)
  return { ...meta, ui: { resourceUri: resource, ...(visibility !== undefined && { visibility }) } }
}

function checkVisibility(visibility: readonly UiAudience[]): void {
  const isGood = visibility.every((each) => each === 'model' || each === 'app')
  if (!isGood || visibility.length === 0 || new Set(visibility).size < visibility.length) {
    throw new TypeError('ui.visibility must hold "model", "app" or both')
  }
}

function checkedCsp(csp: NonNullable<UiConfig['csp']>): JsonObject {
  for (const name of Object.keys(csp)) {
    if (!domainLists.includes(name as 'connectDomains')) throw new TypeError(`csp has no ${name}`)
  }
  for (const name of domainLists) {
    for (const domain of csp[name] ?? []) {
      if (originPattern.test(domain)) continue
      throw new TypeError(
        `csp.${name} must hold origins such as https://example.com, not ${domain}`,
      )
    }
  }
  return { ...csp }
}

/** On the wire each is an object, with room for what may come. */
function checkedPermissions(wanted: readonly UiPermission[]): JsonObject {
  for (const each of wanted) {
    if (!permissions.includes(each)) throw new TypeError(`There is no permission "${each}"`)
  }
  return Object.fromEntries(wanted.map((each) => [each, {}]))
}

function checkHtml(html: Html): void {
  const start = typeof html === 'string' ? html : Buffer.from(html).toString()
  const text = start.replace(/^\ufeff/, '').trimStart()
  if (!/^<!doctype html[\s>]/i.test(text)) {
    throw new TypeError(
      'The HTML of a user interface must be a document that begins with <!doctype html>',
    )
  }
}
