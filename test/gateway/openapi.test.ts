import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { FileGateway } from '../../src/gateway/file-gateway.ts'
import { OpenApiDocument, readOpenApi } from '../../src/gateway/openapi/document.ts'
import { requestOf } from '../../src/gateway/openapi/http-request.ts'
import { operationsOf } from '../../src/gateway/openapi/operation.ts'
import { temporaryFolder } from '../support/folder.ts'
import { callText, connect, eras, openGateway, until } from './support.ts'

const pets = {
  openapi: '3.1.0',
  info: { title: 'Pets', version: '2.0.0', description: 'All about pets.' },
  servers: [{ url: 'http://{host}/v1', variables: { host: { default: 'pets.invalid' } } }],
  paths: {
    '/pets/{petId}': {
      parameters: [{ $ref: '#/components/parameters/PetId' }],
      get: {
        operationId: 'getPet',
        summary: 'One pet',
        parameters: [
          { name: 'fields', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          {
            name: 'filter',
            in: 'query',
            style: 'deepObject',
            explode: true,
            schema: { type: 'object' },
          },
          { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
        ],
        responses: { 200: { description: 'It' } },
      },
      put: {
        requestBody: { $ref: '#/components/requestBodies/Pet' },
        responses: { 200: { description: 'It' } },
      },
      delete: { operationId: 'delete pet!', responses: { 204: { description: 'Gone' } } },
    },
    '/upload': {
      post: {
        operationId: 'upload',
        requestBody: { content: { 'application/octet-stream': {} } },
        responses: { 200: { description: 'Done' } },
      },
    },
    '/image': { get: { operationId: 'image', responses: { 200: { description: 'It' } } } },
    '/away': { get: { operationId: 'away', responses: { 200: { description: 'It' } } } },
    '/fail': { get: { operationId: 'fail', responses: { 200: { description: 'It' } } } },
  },
  components: {
    parameters: {
      PetId: {
        name: 'petId',
        in: 'path',
        required: true,
        description: 'Which one',
        schema: { type: 'string' },
      },
    },
    requestBodies: {
      Pet: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } },
      },
    },
    schemas: {
      Pet: {
        type: 'object',
        properties: {
          name: { type: 'string', example: 'Rex' },
          parents: { type: 'array', items: { $ref: '#/components/schemas/Pet' } },
          example: { type: 'string' },
        },
        required: ['name'],
      },
    },
  },
}

/** An API that tells what it was asked. */
async function api(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { method, url = '', headers } = request
      if (url.endsWith('/image')) {
        response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([1, 2, 3]))
      } else if (url.endsWith('/away')) response.writeHead(302, { location: '/v1/image' }).end()
      else if (url.endsWith('/fail')) {
        response.writeHead(403, { 'content-type': 'text/plain' })
        response.end(`${headers.authorization} may not`)
      } else if (method === 'DELETE') response.writeHead(204).end()
      else {
        response.writeHead(200, { 'content-type': 'application/json' })
        const { authorization, cookie, 'x-trace': trace } = headers
        response.end(JSON.stringify({ method, url, body, authorization, cookie, trace }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

suite('an OpenAPI document as an upstream', () => {
  for (const era of eras) {
    test(`offers each operation as a tool to a client of ${era}`, async (t) => {
      const document = join(temporaryFolder(t), 'pets.json')
      writeFileSync(document, JSON.stringify(pets))
      const url = await api(t)
      const secret = 'a-token-of-the-api'
      const { gateway, logs } = await openGateway(t, {
        pets: { openapi: document, url, headers: { Authorization: `Bearer ${secret}` } },
      })
      const client = await connect(t, gateway, era)
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map(({ name }) => name),
        [
          'pets__away',
          'pets__delete_pet',
          'pets__fail',
          'pets__getPet',
          'pets__image',
          'pets__put_pets_petId',
        ],
      )
      const get = tools.find(({ name }) => name === 'pets__getPet')
      assert.equal(get?.annotations?.readOnlyHint, true)
      assert.deepEqual(Object.keys(get?.inputSchema.properties ?? {}), [
        'petId',
        'fields',
        'filter',
        'X-Trace',
      ])
      assert.ok(logs.some(({ text }) => /POST \/upload is no tool: its body is neither/.test(text)))

      const asked = JSON.parse(
        await callText(client, 'pets__getPet', {
          petId: 'a/b?c',
          fields: ['x', 'y&z'],
          filter: { kind: 'dog' },
          'X-Trace': 'abc',
        }),
      )
      assert.equal(asked.url, '/v1/pets/a%2Fb%3Fc?fields=x&fields=y%26z&filter%5Bkind%5D=dog')
      assert.equal(asked.trace, 'abc')
      // The API is told its credentials, and nobody else.
      assert.equal(asked.authorization, '[redacted]')

      const put = await client.callTool({
        name: 'pets__put_pets_petId',
        arguments: { petId: '1', body: { name: 'Rex', parents: [{ name: 'Old Rex' }] } },
      })
      assert.equal(
        (put.structuredContent as { body: string }).body,
        '{"name":"Rex","parents":[{"name":"Old Rex"}]}',
      )
      assert.match(await callText(client, 'pets__delete_pet', { petId: '1' }), /^204/)
      const image = await client.callTool({ name: 'pets__image', arguments: {} })
      assert.deepEqual(image.content, [{ type: 'image', data: 'AQID', mimeType: 'image/png' }])
    })
  }

  test('tells of failures, follows no redirection, and checks arguments', async (t) => {
    const document = join(temporaryFolder(t), 'pets.json')
    writeFileSync(document, JSON.stringify(pets))
    const url = await api(t)
    const headers = { Authorization: 'Bearer a-token-of-the-api' }
    const { gateway } = await openGateway(t, { pets: { openapi: document, url, headers } })
    const client = await connect(t, gateway)
    const failed = await client.callTool({ name: 'pets__fail', arguments: {} })
    assert.equal(failed.isError, true)
    assert.match(JSON.stringify(failed.content), /403 Forbidden.*\[redacted\] may not/)
    const away = await client.callTool({ name: 'pets__away', arguments: {} })
    assert.equal(away.isError, true)
    assert.match(JSON.stringify(away.content), /302/)
    for (const args of [{}, { petId: 5 }, { petId: '1', more: 1 }]) {
      const wrong = await client.callTool({ name: 'pets__getPet', arguments: args })
      assert.match(JSON.stringify(wrong.content), /Invalid arguments/)
    }
    await assert.rejects(
      client.callTool({ name: 'pets__getPet', arguments: { petId: '..' } }),
      /petId cannot stand in a path/,
    )
  })

  test('is served by itself, in JSON and in YAML, and anew when it changes', async (t) => {
    const url = await api(t)
    const folder = temporaryFolder(t)
    for (const [name, write] of [
      ['pets.json', JSON.stringify],
      ['pets.yaml', stringify],
    ] as const) {
      const path = join(folder, name)
      const document = { ...pets, servers: [{ url }] }
      writeFileSync(path, write(document))
      const logs: string[] = []
      const served = new FileGateway(path, { env: {}, log: ({ text }) => logs.push(text) })
      t.after(() => served.close())
      await served.gateway.ready()
      const client = await connect(t, served)
      assert.match(await callText(client, 'getPet', { petId: '7' }), /"url":"\/v1\/pets\/7"/)
      writeFileSync(path, write({ ...document, paths: { '/image': document.paths['/image'] } }))
      await until(() => logs.includes('is replaced'))
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map(({ name: tool }) => tool),
        ['image'],
      )
    }
  })

  test('that is not valid is refused with the reason', async (t) => {
    const folder = temporaryFolder(t)
    const write = (document: object) => {
      const path = join(folder, 'broken.json')
      writeFileSync(path, JSON.stringify(document))
      return path
    }
    await assert.rejects(readOpenApi(write({ openapi: '2.0' })), /is no OpenAPI document/)
    const noTitle = { openapi: '3.1.0', info: { version: '1' }, paths: {} }
    await assert.rejects(readOpenApi(write(noTitle)), /info must have required property 'title'/)
    const outside = {
      ...pets,
      paths: {
        '/a': {
          get: {
            parameters: [{ $ref: '/etc/passwd#/x' }],
            responses: { 200: { description: 'x' } },
          },
        },
      },
    }
    // Nothing outside the document is read.
    const { operations, skipped } = operationsOf(new OpenApiDocument(outside))
    assert.equal(operations.length, 0)
    assert.match(skipped[0]?.reason ?? '', /leads out of the document/)
  })

  test('carries each schema once, also one that refers to itself', () => {
    const { operations } = operationsOf(new OpenApiDocument(pets))
    const put = operations.find(({ method }) => method === 'PUT')
    assert.deepEqual(put?.inputSchema.properties, {
      petId: { type: 'string', description: 'Which one' },
      body: { $ref: '#/$defs/Pet' },
    })
    assert.deepEqual(put?.inputSchema.$defs, {
      Pet: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          parents: { type: 'array', items: { $ref: '#/$defs/Pet' } },
          // A property may be called as a keyword is.
          example: { type: 'string' },
        },
        required: ['name'],
      },
    })
  })

  test('of 3.0 is read in the words of JSON Schema', () => {
    const old = {
      openapi: '3.0.3',
      info: { title: 'a', version: '1' },
      paths: {
        '/a': {
          post: {
            requestBody: {
              content: {
                'application/x-www-form-urlencoded': {
                  schema: {
                    type: 'object',
                    properties: {
                      n: { type: 'integer', nullable: true, minimum: 0, exclusiveMinimum: true },
                    },
                  },
                },
              },
            },
            responses: {},
          },
        },
      },
    }
    const [operation] = operationsOf(new OpenApiDocument(old)).operations
    assert.ok(operation)
    assert.deepEqual(operation.inputSchema.properties, {
      body: {
        type: 'object',
        properties: { n: { type: ['integer', 'null'], exclusiveMinimum: 0 } },
      },
    })
    const request = requestOf(operation, { body: { n: 5, list: ['a b', 'c'] } }, 'http://a/', {})
    assert.equal(request.body, 'n=5&list=a+b&list=c')
    assert.equal(request.url.href, 'http://a/a')
  })
})
