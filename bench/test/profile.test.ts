import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { areaShares, type CpuProfile, callTree, ownTimes } from '../profile/cpu-profile.ts'
import { flameGraph } from '../profile/flame-graph.ts'

const frame = (functionName: string, url = '') => ({
  functionName,
  url,
  lineNumber: 9,
  columnNumber: 0,
})

/** Ten samples of 100 µs; the first three are start-up. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 5] },
    { id: 2, callFrame: frame('handle', 'node:net'), children: [3, 4] },
    { id: 3, callFrame: frame('writeLatin1String') },
    { id: 4, callFrame: frame('<parse>', 'node:util') },
    { id: 5, callFrame: frame('(idle)') },
  ],
  samples: [4, 4, 4, 2, 3, 3, 3, 4, 5, 5],
  timeDeltas: Array(10).fill(100),
}

describe('A profile of the bench', () => {
  test('is of what comes after the start-up, without what is idle', () => {
    const tree = callTree(profile)
    assert.equal(tree.total, 500)
    assert.deepEqual(ownTimes(tree).slice(0, 3), [
      { name: 'writeLatin1String', place: '(native)', share: 0.6 },
      { name: 'handle', place: 'node:net:10', share: 0.2 },
      { name: '<parse>', place: 'node:util:10', share: 0.2 },
    ])
    assert.deepEqual(areaShares(tree).slice(0, 2), [
      { area: 'writing to the socket', share: 0.6 },
      { area: "Node's sockets, streams and ticks", share: 0.4 },
    ])
  })

  test('becomes a picture in which each function is as wide as its time', () => {
    const graph = flameGraph('calls & more', callTree(profile))
    assert.match(graph, /<text[^>]*>calls &amp; more</)
    assert.match(graph, /&lt;parse&gt; node:util:10\n20.0%, itself 20.0%/)
    const widths = [...graph.matchAll(/<rect x="[^"]*" y="[^"]*" width="([^"]*)"/g)].map(
      ([, width]) => Math.round(Number(width)),
    )
    assert.deepEqual(widths, [1600, 1600, 960, 320])
  })
})
