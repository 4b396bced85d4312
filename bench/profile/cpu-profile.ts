import { sourceOf } from './source-of.ts'

/** What `--cpu-prof` writes, as far as it is read here. */
export interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number }
    children?: number[]
  }[]
  samples: number[]
  /** Microseconds before each sample. */
  timeDeltas: number[]
}

/** A function as it was called from one place: itself, and what it called. Times in microseconds. */
export interface Frame {
  readonly name: string
  /** File and line, or `(native)`. */
  readonly place: string
  own: number
  total: number
  readonly callees: Map<string, Frame>
}

/** Start-up and the first compilations are not what a server does that runs for long. */
const startUpShare = 0.3

/** Where the time of a profile went, from the outermost function inwards; without what was idle. */
export function callTree({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const spent = new Map<number, number>()
  for (let index = Math.floor(samples.length * startUpShare); index < samples.length; index++) {
    const id = samples[index] ?? 0
    spent.set(id, (spent.get(id) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const root = newFrame('all', '')
  const add = (id: number, caller: Frame): number => {
    const node = byId.get(id)
    if (node === undefined || node.callFrame.functionName === '(idle)') return 0
    const { name, place } = described(node.callFrame)
    const key = `${name} ${place}`
    const frame = caller.callees.get(key) ?? newFrame(name, place)
    const own = spent.get(id) ?? 0
    let total = own
    for (const child of node.children ?? []) total += add(child, frame)
    if (total === 0) return 0
    frame.own += own
    frame.total += total
    caller.callees.set(key, frame)
    return total
  }
  const [top] = nodes
  for (const child of top?.children ?? []) root.total += add(child, root)
  return root
}

/** Time by what the functions are part of, the dearest first. */
export function areaShares(root: Frame): { area: string; share: number }[] {
  const shares = new Map<string, number>()
  for (const { name, place, share } of ownTimes(root)) {
    const area = areaOf(name, place)
    shares.set(area, (shares.get(area) ?? 0) + share)
  }
  return [...shares].map(([area, share]) => ({ area, share })).toSorted((a, b) => b.share - a.share)
}

function areaOf(name: string, place: string): string {
  if (/^write(Latin1|Utf8)String$|^writev$|^writeBuffer$/.test(name)) return 'writing to the socket'
  if (name === '(garbage collector)') return 'garbage collection'
  if (name === 'postMessage') return 'handing over to the thread that writes'
  if (place === '(native)') return "Node's native code, and entering and leaving it"
  if (place.startsWith('node:')) return "Node's sockets, streams and ticks"
  const part = /^(src\/(?:transports\/)?[\w-]+)/.exec(place)?.[1]
  return part ?? (place.includes('node_modules') ? 'dependencies' : 'the program of the bench')
}

/** Time of each function itself, wherever it was called from; the dearest first. */
export function ownTimes(root: Frame): { name: string; place: string; share: number }[] {
  const times = new Map<string, { name: string; place: string; own: number }>()
  const walk = ({ name, place, own, callees }: Frame): void => {
    const key = `${name} ${place}`
    const time = times.get(key) ?? { name, place, own: 0 }
    time.own += own
    times.set(key, time)
    for (const callee of callees.values()) walk(callee)
  }
  walk(root)
  return [...times.values()]
    .toSorted((a, b) => b.own - a.own)
    .map(({ name, place, own }) => ({ name, place, share: own / root.total }))
}

const newFrame = (name: string, place: string): Frame => ({
  name,
  place,
  own: 0,
  total: 0,
  callees: new Map(),
})

function described(frame: CpuProfile['nodes'][number]['callFrame']): {
  name: string
  place: string
} {
  return {
    name: frame.functionName || '(anonymous)',
    place:
      frame.url === '' ? '(native)' : sourceOf(frame.url, frame.lineNumber, frame.columnNumber),
  }
}
