import type { Icon } from './types.ts'

/** Checks icons as they are registered (2026-07-28, schema#icon). @throws TypeError that says what is wrong */
export function checkIcons(icons: readonly Icon[] | undefined): void {
  for (const { src, theme, sizes, mimeType } of icons ?? []) {
    if (typeof src !== 'string' || !URL.canParse(src)) {
      throw new TypeError('An icon needs src, a URI')
    }
    // Whoever shows it must not fetch anything else; a client that did would ask hosts and read files for us.
    if (!/^(?:https|data):/i.test(src)) {
      throw new TypeError('The src of an icon is an https: or data: URI')
    }
    if (theme !== undefined && theme !== 'light' && theme !== 'dark') {
      throw new TypeError('The theme of an icon is "light" or "dark"')
    }
    if (mimeType !== undefined && typeof mimeType !== 'string') {
      throw new TypeError('The mimeType of an icon is a string')
    }
    const areSizes =
      Array.isArray(sizes) && sizes.every((size) => /^(?:\d+x\d+|any)$/.test(String(size)))
    if (sizes !== undefined && !areSizes) {
      throw new TypeError('The sizes of an icon are strings such as "48x48", or "any"')
    }
  }
}
