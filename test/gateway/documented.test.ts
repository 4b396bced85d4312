import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readGatewayText } from '../../src/gateway/config/read-gateway-file.ts'
import { ownSettings } from '../../src/gateway/config/read-upstream.ts'
import { openSecurity } from '../../src/security/open-security.ts'
import { temporaryFolder } from '../support/folder.ts'
import { connectPeer, connectStateless } from '../support/peer.ts'
import { fixture, openGateway } from './support.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))

suite('what is said of the gateway', () => {
  test('holds: the files of the how-to are valid', (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'petstore.json'), '{}')
    const page = readFileSync(join(docs, 'how-to/gateway.md'), 'utf8')
    const env = { GITHUB_TOKEN: 'a', REMOTE_TOKEN: 'b', PETS_KEY: 'c' }
    const files = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text = '']) =>
      readGatewayText(text, join(folder, 'mcp.json'), env),
    )
    assert.deepEqual(
      files.map(({ upstreams }) => upstreams.length),
      [4, 1],
    )
  })

  test('is whole: the reference has every setting, and no other', () => {
    const page = readFileSync(join(docs, 'reference/mcp-json.md'), 'utf8')
    const [, section = ''] = page.split('## Settings of a server: `tsmcp`')
    const [rows = ''] = section.split('\n## ')
    const named = [...rows.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    assert.deepEqual(named.toSorted(), ownSettings.toSorted())
  })

  test('holds: a role names tools as clients see them, and sees no others', async (t) => {
    const policy = join(temporaryFolder(t), 'policy.yaml')
    writeFileSync(
      policy,
      `version: 1
roles:
  reader:
    allow: { tools: "one__e*" }
grants:
  - { roles: reader, to: { everyone: true } }
`,
    )
    const { guard, close } = await openSecurity({ policy })
    t.after(() => close())
    const { gateway } = await openGateway(t, { one: fixture(), two: fixture() })
    assert.ok(guard)
    const peer = (await connectPeer(t, gateway, { guard })).goStateless()
    const { result } = await peer.request('tools/list')
    const tools = (result?.tools ?? []) as unknown as { name: string }[]
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['one__echo', 'one__env', 'one__exit'],
    )
    const call = { name: 'two__echo', arguments: { text: 'x' } }
    const refused = await peer.request('tools/call', call)
    assert.ok(refused.error)
    const open = await connectStateless(t, gateway)
    assert.equal((await open.request('tools/call', call)).result?.content?.[0]?.text, 'x')
  })
})
