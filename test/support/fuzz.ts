import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { key, metaOf, request } from './messages.ts'

const told = { properties: 0, inputs: 0 }
const { TSMCP_FUZZ_RUNS, TSMCP_FUZZ_REPORT } = process.env

/** How many cases a property is tried on; `npm run fuzz` makes it more (1,000,000 of all together). */
export function runs(usual = 2000): { numRuns: number } {
  const asked = Number(TSMCP_FUZZ_RUNS)
  const numRuns = asked > 0 ? asked : usual
  told.properties += 1
  told.inputs += numRuns
  return { numRuns }
}

if (TSMCP_FUZZ_REPORT !== undefined) {
  process.once('exit', () => {
    const peakBytes = process.resourceUsage().maxRSS * 1024
    writeFileSync(TSMCP_FUZZ_REPORT, JSON.stringify({ ...told, peakBytes }))
  })
}

/** Names that mean something to JavaScript or to the protocol. */
const loadedNames = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'name',
  'uri',
  'cursor',
  'arguments',
  '_meta',
  'progressToken',
  'requestState',
  'inputResponses',
  'notifications',
  ...Object.values(key),
)
export const memberName = fc.oneof(fc.string({ maxLength: 8 }), loadedNames)

export const jsonValue = fc.jsonValue({ maxDepth: 3 })

const methods = [
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'notifications/initialized',
  'notifications/cancelled',
  'nonsense',
]
/** Listening requests stay open by design, so they have properties of their own. */
const answering = methods.filter((method) => method !== 'subscriptions/listen')

const tools = ['echo', 'throws', 'rejects', 'region', 'asks', 'bad-output', 'nope']
const params = fc.record(
  {
    name: fc.oneof(fc.constantFrom(...tools, 'greet'), jsonValue),
    uri: fc.oneof(fc.constantFrom('docs://readme', 'docs://page/1', 'docs://nope'), jsonValue),
    arguments: fc.oneof(
      fc.dictionary(memberName, jsonValue),
      fc.constant({ text: 'hi', name: 'x' }),
      jsonValue,
    ),
    cursor: fc.oneof(fc.string(), jsonValue),
    ref: fc.oneof(fc.constant({ type: 'ref/prompt', name: 'greet' }), jsonValue),
    argument: fc.oneof(fc.constant({ name: 'name', value: '' }), jsonValue),
    level: fc.oneof(fc.constantFrom('debug', 'error'), jsonValue),
    requestId: fc.oneof(fc.integer({ min: 0, max: 5 }), jsonValue),
    requestState: fc.oneof(fc.base64String(), jsonValue),
    inputResponses: fc.oneof(
      fc.constant({ who: { action: 'accept', content: { name: 'x' } } }),
      fc.dictionary(memberName, jsonValue),
      jsonValue,
    ),
    protocolVersion: fc.oneof(fc.constantFrom('2025-11-25', '2025-03-26'), jsonValue),
    capabilities: fc.oneof(fc.constant({}), jsonValue),
    clientInfo: fc.oneof(fc.constant({ name: 'x', version: '1' }), jsonValue),
  },
  { requiredKeys: [] },
)
const meta = fc.oneof(
  { weight: 5, arbitrary: fc.constant(metaOf({ elicitation: {} })) },
  fc.dictionary(memberName, jsonValue),
  jsonValue,
)
export const requestId = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.string({ maxLength: 5 }))

/** A request that is good but for what its params hold. */
export const plausibleRequest = fc
  .tuple(fc.constantFrom(...answering), params, fc.option(meta, { nil: undefined }), requestId)
  .map(([method, given, _meta, id]) =>
    request(method, _meta === undefined ? given : { ...given, _meta }, id),
  )

/** A request with any of its members replaced, removed or added. */
export const mutatedRequest = fc
  .tuple(
    plausibleRequest,
    fc.dictionary(
      fc.oneof(fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error'), memberName),
      fc.option(jsonValue, { nil: undefined }),
      { maxKeys: 2 },
    ),
  )
  .map(([message, changes]) => ({ ...message, ...changes }))

/** Text that is JSON, nearly JSON, or anything. */
export const bodyText = fc.oneof(
  { weight: 4, arbitrary: mutatedRequest.map((message) => JSON.stringify(message)) },
  { weight: 2, arbitrary: plausibleRequest.map((message) => JSON.stringify(message)) },
  fc.array(mutatedRequest, { maxLength: 3 }).map((batch) => JSON.stringify(batch)),
  jsonValue.map((value) => JSON.stringify(value)),
  fc.tuple(plausibleRequest, fc.nat(), fc.string({ maxLength: 2 })).map(([message, at, patch]) => {
    const text = JSON.stringify(message)
    const place = at % text.length
    return text.slice(0, place) + patch + text.slice(place + 1)
  }),
  fc.string(),
)
