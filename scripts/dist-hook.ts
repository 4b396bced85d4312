// Makes `import '../src/x.ts'`, and `node src/x.ts`, mean dist/x.js: tests then judge what is published.
import { registerHooks } from 'node:module'

const src = new URL('../src/', import.meta.url).href
const dist = new URL('../dist/', import.meta.url).href

registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier, context)
    if (!found.url.startsWith(src) || !found.url.endsWith('.ts')) return found
    const path = found.url.slice(src.length, -'.ts'.length)
    return { ...found, url: `${dist}${path}.js`, format: 'module' }
  },
})
