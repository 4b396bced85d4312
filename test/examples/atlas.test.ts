import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import atlas from '../../examples/atlas/server.ts'
import { answer, connect, eras, failure } from './connect.ts'

interface Leg {
  from: string
  to: string
  km: number
}
const codes = (airports: unknown) => (airports as { iata: string }[]).map(({ iata }) => iata)
const names = (cities: unknown) => (cities as { name: string }[]).map(({ name }) => name)
const label = (place: unknown) => (place as { label: string }).label

for (const era of eras) {
  describe(`the atlas in ${era.era}`, () => {
    test('every tool is described in full and says that it only reads', async (t) => {
      const { tools } = await (await connect(t, atlas, era)).listTools()
      assert.deepEqual(
        tools.map(({ name }) => name),
        [
          'nearest_airports',
          'search_airports',
          'search_cities',
          'search_countries',
          'compare_countries',
          'overland_route',
          'distance',
          'route',
          'local_time',
          'shortest_tour',
        ],
      )
      for (const tool of tools) {
        assert.ok(tool.title && tool.description && tool.outputSchema, tool.name)
        assert.equal(tool.annotations?.readOnlyHint, true, tool.name)
      }
    })

    test('search_airports finds by city, by code and by the beginning of words', async (t) => {
      const client = await connect(t, atlas, era)
      const airports = async (args: Record<string, unknown>) =>
        codes((await answer(client, 'search_airports', args)).airports)
      assert.deepEqual(await airports({ text: 'new york', limit: 3 }), ['JFK', 'EWR', 'LGA'])
      assert.deepEqual(await airports({ text: 'LSZH' }), ['ZRH'])
      assert.equal((await airports({ text: 'lond heath' }))[0], 'LHR')
      assert.deepEqual((await airports({ country: 'Schweiz' })).toSorted(), [
        'ACH',
        'BRN',
        'GVA',
        'LUG',
        'ZRH',
      ])
    })

    test('search_cities puts the city of exactly that name first', async (t) => {
      const client = await connect(t, atlas, era)
      const springs = await answer(client, 'search_cities', { text: 'springs', limit: 2 })
      assert.deepEqual(names(springs.cities)[0], 'Springs')
      const texan = await answer(client, 'search_cities', { text: 'texas', min_population: 2e6 })
      assert.deepEqual(names(texan.cities), ['Houston', 'Dallas'])
    })

    test('search_countries knows other languages and joins its conditions', async (t) => {
      const client = await connect(t, atlas, era)
      const german = await answer(client, 'search_countries', { text: 'Schweiz' })
      assert.deepEqual(names(german.countries), ['Switzerland'])
      const found = await answer(client, 'search_countries', {
        language: 'French',
        currency: 'EUR',
        region: 'Western Europe',
      })
      assert.deepEqual(names(found.countries), ['Belgium', 'France', 'Luxembourg', 'Monaco'])
      assert.equal(found.total, 4)
    })

    test('nearest_airports crosses the 180th meridian', async (t) => {
      const client = await connect(t, atlas, era)
      const { airports } = await answer(client, 'nearest_airports', {
        place: '-17, -179.9',
        scheduled_only: false,
      })
      const found = airports as { iata: string; longitude: number; distance_km: number }[]
      assert.equal(found[0]?.iata, 'TVU')
      assert.ok(found.some(({ longitude }) => longitude < 0))
      assert.ok(found.some(({ longitude }) => longitude > 0))
      const distances = found.map(({ distance_km }) => distance_km)
      assert.deepEqual(
        distances,
        distances.toSorted((a, b) => a - b),
      )
    })

    test('distance agrees with published figures', async (t) => {
      const client = await connect(t, atlas, era)
      const { km, miles, initial_bearing_degrees } = await answer(client, 'distance', {
        from: 'LHR',
        to: 'KJFK',
      })
      assert.ok(Math.abs(Number(km) - 5540) < 20, String(km))
      assert.ok(Math.abs(Number(miles) - 3442) < 15, String(miles))
      assert.ok(Math.abs(Number(initial_bearing_degrees) - 288) < 1)
    })

    test('route adds up its legs, and returns to the start when asked to', async (t) => {
      const client = await connect(t, atlas, era)
      const { legs, total_km } = await answer(client, 'route', {
        stops: ['Zurich', 'Rome, Italy', 'VIE'],
        return_to_start: true,
      })
      const found = legs as Leg[]
      assert.deepEqual(
        found.map(({ from, to }) => [from, to]),
        [
          ['Zürich, CH', 'Rome, Lazio, IT'],
          ['Rome, Lazio, IT', 'Vienna International Airport (VIE)'],
          ['Vienna International Airport (VIE)', 'Zürich, CH'],
        ],
      )
      const sum = found.reduce((total, { km }) => total + km, 0)
      assert.ok(Math.abs(Number(total_km) - sum) < 1e-6)
    })

    test('local_time follows the rules of the zone', async (t) => {
      const client = await connect(t, atlas, era)
      const time = async (place: string, at: string) => {
        const found = await answer(client, 'local_time', { place, at })
        return [found.local_time, found.weekday, found.time_zone]
      }
      const zurich = 'Europe/Zurich'
      assert.deepEqual(await time('Zurich', '2026-07-28T23:30:00Z'), [
        '2026-07-29T01:30:00+02:00',
        'Wednesday',
        zurich,
      ])
      assert.deepEqual(await time('ZRH', '2026-01-28T12:00:00+01:00'), [
        '2026-01-28T12:00:00+01:00',
        'Wednesday',
        zurich,
      ])
      const [kathmandu] = await time('Kathmandu', '2026-01-01T00:00:00Z')
      assert.equal(kathmandu, '2026-01-01T05:45:00+05:45')
      const now = await answer(client, 'local_time', { place: 'Reykjavík' })
      assert.ok(Math.abs(Date.parse(String(now.local_time)) - Date.now()) < 5000)
    })

    test('compare_countries says what two countries share', async (t) => {
      const client = await connect(t, atlas, era)
      const result = await client.callTool({
        name: 'compare_countries',
        arguments: { a: 'CHE', b: 'Österreich' },
      })
      const found = result.structuredContent as Record<string, unknown>
      assert.deepEqual(found.shared_languages, [])
      assert.equal(found.have_common_border, true)
      assert.ok(Math.abs(Number(found.capitals_distance_km) - 684) < 10)
      assert.deepEqual(
        result.content.flatMap((block) => (block.type === 'resource_link' ? block.uri : [])),
        ['atlas://country/CH', 'atlas://country/AT'],
      )
    })

    test('overland_route crosses the fewest borders, and says when there is no way', async (t) => {
      const client = await connect(t, atlas, era)
      const found = await answer(client, 'overland_route', { from: 'Portugal', to: 'Vietnam' })
      assert.equal(found.border_crossings, 7)
      assert.equal(names(found.countries)[1], 'Spain')
      const stay = await answer(client, 'overland_route', { from: 'CH', to: 'CH' })
      assert.equal(stay.border_crossings, 0)
      assert.match(
        await failure(client, 'overland_route', { from: 'Spain', to: 'Japan' }),
        /^No land way leads from Spain to Japan/,
      )
    })

    test('what cannot be understood is answered with what to do', async (t) => {
      const client = await connect(t, atlas, era)
      assert.match(
        await failure(client, 'distance', { from: 'Atlantis', to: 'ZRH' }),
        /search_cities/,
      )
      assert.match(await failure(client, 'distance', { from: '91, 0', to: 'ZRH' }), /-90 to 90/)
      assert.match(
        await failure(client, 'search_airports', { country: 'Korea' }),
        /North Korea \(KP\)/,
      )
      assert.match(await failure(client, 'search_cities', { text: '!?' }), /no letter or digit/)
      assert.match(await failure(client, 'search_cities', { text: 'x', limit: 51 }), /limit/)
      assert.match(await failure(client, 'local_time', { place: 'ZRH', at: 'noon' }), /at: /)
      assert.match(await failure(client, 'shortest_tour', {}), /either places or a country/)
      assert.match(await failure(client, 'shortest_tour', { country: 'Monaco' }), /needs 3 places/)
    })

    test('text for a search is only ever text', async (t) => {
      const client = await connect(t, atlas, era)
      const attacks = [`'; DROP TABLE cities; --`, '"zurich" OR *', 'names : zurich', 'NEAR(a b)']
      for (const text of attacks) {
        await answer(client, 'search_cities', { text })
        await answer(client, 'search_airports', { text })
        await answer(client, 'search_countries', { text })
      }
      const { cities } = await answer(client, 'search_cities', { text: 'zurich' })
      assert.deepEqual(names(cities), ['Zürich'])
    })

    test('the largest of many places of one name needs no question', async (t) => {
      const client = await connect(t, atlas, era)
      const london = await answer(client, 'local_time', { place: 'London' })
      assert.equal(label(london.place), 'London, Westminster, GB')
      const ontario = await answer(client, 'local_time', { place: 'London, Canada' })
      assert.equal(label(ontario.place), 'London, Ontario, CA')
      const state = await answer(client, 'local_time', { place: 'Springfield, MO' })
      assert.equal(label(state.place), 'Springfield, Missouri, US')
    })

    test('a client that cannot ask its user gets the choices', async (t) => {
      const client = await connect(t, atlas, era)
      const message = await failure(client, 'local_time', { place: 'Springfield' })
      assert.match(message, /"Springfield, Massachusetts, US", "Springfield, Missouri, US"/)
    })

    test('an ambiguous place is asked for, each in its turn', async (t) => {
      const client = await connect(t, atlas, era, { capabilities: { elicitation: { form: {} } } })
      const asked: string[] = []
      client.setRequestHandler('elicitation/create', ({ params }) => {
        asked.push(params.message)
        const isSpringfield = params.message.includes('Springfield')
        const place = isSpringfield ? 'Springfield, Missouri, US' : 'San Jose, San José, CR'
        return { action: 'accept', content: { place } }
      })
      const found = await answer(client, 'distance', { from: 'Springfield', to: 'San Jose' })
      assert.equal(label(found.from), 'Springfield, Missouri, US')
      assert.equal(label(found.to), 'San Jose, San José, CR')
      assert.equal(asked.length, 2)
    })

    test('nothing is guessed when the user does not choose', async (t) => {
      const client = await connect(t, atlas, era, { capabilities: { elicitation: { form: {} } } })
      client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }))
      assert.equal(
        await failure(client, 'local_time', { place: 'Springfield' }),
        'Nobody chose which "Springfield" is meant.',
      )
    })

    test('shortest_tour reports progress and visits every city once', async (t) => {
      const client = await connect(t, atlas, era)
      const reports: number[] = []
      const { structuredContent } = await client.callTool(
        { name: 'shortest_tour', arguments: { country: 'Germany', cities: 40, rounds: 300 } },
        {
          onprogress: ({ progress, total }) => {
            reports.push(progress)
            assert.equal(total, 300)
          },
        },
      )
      const found = structuredContent as Record<string, unknown>
      const stops = (found.stops as { label: string }[]).map(label)
      assert.equal(new Set(stops).size, 40)
      assert.ok(Number(found.total_km) < Number(found.first_guess_km))
      assert.ok(reports.length >= 2)
      assert.equal(reports.at(-1), 300)
    })

    test('shortest_tour takes places, and can be cancelled while it searches', async (t) => {
      const client = await connect(t, atlas, era)
      const tour = await answer(client, 'shortest_tour', {
        places: ['Zurich', 'Vienna, Austria', 'Munich', 'Prague', 'Milan'],
      })
      assert.equal((tour.stops as unknown[]).length, 5)

      const stop = new AbortController()
      const long = client.callTool(
        { name: 'shortest_tour', arguments: { country: 'US', cities: 300, rounds: 5000 } },
        { signal: stop.signal, onprogress: () => stop.abort() },
      )
      await assert.rejects(long)
      // Had the search gone on, it would hold the thread for a minute.
      const start = performance.now()
      await answer(client, 'search_cities', { text: 'zurich' })
      assert.ok(performance.now() - start < 5000)
    })

    test('resources are listed, found by template and read', async (t) => {
      const client = await connect(t, atlas, era)
      const { resources } = await client.listResources()
      const uris = resources.map(({ uri }) => uri)
      assert.equal(uris.length, 252)
      for (const uri of ['atlas://about', 'atlas://statistics', 'atlas://country/CH']) {
        assert.ok(uris.includes(uri), uri)
      }
      const { resourceTemplates } = await client.listResourceTemplates()
      assert.deepEqual(
        resourceTemplates.map(({ uriTemplate }) => uriTemplate),
        ['atlas://country/{code}', 'atlas://airport/{iata}'],
      )

      const read = async (uri: string): Promise<string> => {
        const { contents } = await client.readResource({ uri })
        const [content] = contents
        return content !== undefined && 'text' in content ? content.text : ''
      }
      assert.match(await read('atlas://about'), /CC BY 4\.0/)
      const country = JSON.parse(await read('atlas://country/ch'))
      assert.equal(country.name, 'Switzerland')
      assert.deepEqual(country.time_zones, ['Europe/Zurich'])
      const airport = JSON.parse(await read('atlas://airport/ZRH'))
      assert.equal(airport.country_name, 'Switzerland')
      const statistics = JSON.parse(await read('atlas://statistics'))
      assert.equal(statistics.countries, 250)
      const people = statistics.regions.map((row: { countries: number }) => row.countries)
      assert.equal(
        people.reduce((sum: number, count: number) => sum + count),
        250,
      )
    })

    test('a resource that does not exist is an error that says what does', async (t) => {
      const client = await connect(t, atlas, era)
      await assert.rejects(client.readResource({ uri: 'atlas://airport/QQQQ' }), /codes like ZRH/)
      await assert.rejects(client.readResource({ uri: 'atlas://country/XX' }), /two-letter codes/)
    })

    test('template variables and prompt arguments are completed', async (t) => {
      const client = await connect(t, atlas, era)
      const complete = async (
        ref: Parameters<typeof client.complete>[0]['ref'],
        name: string,
        value: string,
        others?: Record<string, string>,
      ) => {
        const { completion } = await client.complete({
          ref,
          argument: { name, value },
          ...(others && { context: { arguments: others } }),
        })
        return completion.values
      }
      const country = { type: 'ref/resource', uri: 'atlas://country/{code}' } as const
      const airport = { type: 'ref/resource', uri: 'atlas://airport/{iata}' } as const
      const plan = { type: 'ref/prompt', name: 'plan_trip' } as const
      const compare = { type: 'ref/prompt', name: 'compare_countries' } as const
      assert.deepEqual(await complete(country, 'code', 'at'), ['AT'])
      assert.deepEqual(await complete(country, 'code', 'deutschl'), ['DE'])
      assert.deepEqual(await complete(country, 'code', '????'), [])
      assert.equal((await complete(airport, 'iata', 'zr'))[0], 'ZRH')
      assert.equal((await complete(airport, 'iata', 'heathrow'))[0], 'LHR')
      assert.deepEqual(await complete(plan, 'from', 'zür'), ['Zürich, CH'])
      assert.deepEqual(await complete(plan, 'days', '1'), [])
      assert.equal((await complete(compare, 'a', 'swi'))[0], 'Switzerland')
      const others = await complete(compare, 'b', '', { a: 'Switzerland' })
      assert.deepEqual(others.slice(0, 5).toSorted(), [
        'Austria',
        'France',
        'Germany',
        'Italy',
        'Liechtenstein',
      ])
      assert.ok(!others.includes('Switzerland'))
    })

    test('prompts are filled in', async (t) => {
      const client = await connect(t, atlas, era)
      const plan = await client.getPrompt({
        name: 'plan_trip',
        arguments: { from: 'Zürich, CH', to: 'Lisbon, PT' },
      })
      const [message] = plan.messages
      assert.match(
        message?.content.type === 'text' ? message.content.text : '',
        /^Plan a trip of 7 days from Zürich, CH to Lisbon, PT\./,
      )
      const compare = await client.getPrompt({
        name: 'compare_countries',
        arguments: { a: 'Switzerland', b: 'AT' },
      })
      assert.equal(compare.description, 'Switzerland and Austria')
      assert.deepEqual(
        compare.messages.map(({ content }) => content.type),
        ['resource', 'resource', 'text'],
      )
      await assert.rejects(
        client.getPrompt({ name: 'compare_countries', arguments: { a: 'Atlantis', b: 'AT' } }),
        /No country is called "Atlantis"/,
      )
      await assert.rejects(
        client.getPrompt({ name: 'plan_trip', arguments: { from: 'Zurich' } }),
        /to/,
      )
    })
  })
}
