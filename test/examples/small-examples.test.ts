import assert from 'node:assert/strict'
import { test } from 'node:test'
import dinner from '../../examples/elicitation.ts'
import dice from '../../examples/existing-sdk-server.ts'
import shapes from '../../examples/raw-json-schema.ts'
import notes from '../../examples/resources.ts'
import weather from '../../examples/weather.ts'
import { answer, connect, eras, failure, textOf } from './connect.ts'

for (const era of eras) {
  test(`weather answers with structured content (${era.era})`, async (t) => {
    const client = await connect(t, weather, era)
    assert.deepEqual(await answer(client, 'typical_weather', { city: 'Lisbon' }), {
      celsius: 23,
      chance_of_rain: 0.21,
    })
    const january = await answer(client, 'typical_weather', { city: 'Oslo', month: 1 })
    assert.equal(january.celsius, -4)
    assert.match(await failure(client, 'typical_weather', { city: 'Atlantis' }), /city/)
    assert.match(await failure(client, 'typical_weather', { city: 'Oslo', month: 13 }), /month/)
  })

  test(`elicitation asks by form and by page (${era.era})`, async (t) => {
    const capabilities = { elicitation: { form: {}, url: {} } }
    const client = await connect(t, dinner, era, { capabilities })
    const urls: string[] = []
    let action: 'accept' | 'decline' = 'accept'
    client.setRequestHandler('elicitation/create', ({ params }) => {
      if (params.mode === 'url') {
        urls.push(params.url)
        return { action }
      }
      return action === 'accept' ? { action, content: { dish: 'curry', portions: 2 } } : { action }
    })
    const call = async (name: string, args = {}) =>
      textOf(await client.callTool({ name, arguments: args }))
    assert.equal(await call('order_dinner'), 'Ordered: 2 × curry.')
    assert.equal(await call('pay', { euros: 12.5 }), 'The page was opened.')
    assert.deepEqual(urls, ['https://pay.example.com/bill?euros=12.5'])
    action = 'decline'
    assert.equal(await call('order_dinner'), 'Nothing was ordered.')
    assert.equal(await call('pay', { euros: 12.5 }), 'The bill is still open.')
  })

  test(`resources are written, listed, completed and read (${era.era})`, async (t) => {
    const client = await connect(t, notes, era)
    const title = `Über ${era.era}`
    const uri = `notes://note/${encodeURIComponent(title)}`
    const written = await client.callTool({
      name: 'write_note',
      arguments: { title, body: 'Hello' },
    })
    assert.deepEqual(
      written.content.map(({ type }) => type),
      ['text', 'resource_link'],
    )
    const { contents } = await client.readResource({ uri })
    assert.equal((contents[0] as { text: string }).text, 'Hello')
    const { resources } = await client.listResources()
    assert.ok(resources.some((resource) => resource.uri === uri))
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'notes://note/{title}' },
      argument: { name: 'title', value: title.slice(0, 6) },
    })
    assert.ok(completion.values.includes(title))
    await assert.rejects(client.readResource({ uri: 'notes://note/none' }), /not found/i)
  })

  test(`raw JSON Schema is served as it is written, and applied (${era.era})`, async (t) => {
    const client = await connect(t, shapes, era)
    const { tools } = await client.listTools()
    const schema = tools[0]?.inputSchema as Record<string, unknown>
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
    assert.deepEqual(Object.keys(schema.$defs as object), ['length', 'circle', 'rectangle'])
    const found = await answer(client, 'area', { shape: { width: 2, height: 3 } })
    assert.equal(found.area, 6)
    assert.match(await failure(client, 'area', { shape: { radius: -1 } }), /shape/)
    assert.match(await failure(client, 'area', {}), /shape/)
  })

  test(`a server of the official SDK is served unchanged (${era.era})`, async (t) => {
    const client = await connect(t, await dice, era)
    const { rolls, sum } = await answer(client, 'roll', { dice: 3, sides: 6 })
    const each = rolls as number[]
    assert.equal(each.length, 3)
    assert.ok(each.every((roll) => roll >= 1 && roll <= 6))
    assert.equal(
      each.reduce((total, roll) => total + roll, 0),
      sum,
    )
    assert.match(await failure(client, 'roll', { dice: 0, sides: 6 }), /dice/)
  })
}

test('subscribers of a note hear that it was written', async (t) => {
  const [legacy] = eras
  const client = await connect(t, notes, legacy)
  const uri = 'notes://note/welcome'
  const heard = Promise.withResolvers<string>()
  client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
    heard.resolve(params.uri),
  )
  await client.subscribeResource({ uri })
  await client.callTool({ name: 'write_note', arguments: { title: 'welcome', body: 'Hi' } })
  assert.equal(await heard.promise, uri)
})
