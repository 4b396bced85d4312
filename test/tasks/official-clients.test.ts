/** Real clients of tasks: SDK 1.32 in 2025-11-25, and the official tasks client in both forms, over HTTP. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import {
  type ConnectedMcpSessionPort,
  createTaskSessionFromClient,
  type JsonRpcResponse,
  type TaskEnabledSession,
  withTasks,
} from '@modelcontextprotocol/ext-tasks/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { serveHttp } from '../../src/http.ts'
import { TaskServer, tasksId } from '../support/tasks.ts'

/** In 2025-11-25 it is the client that wishes for a task. */
const preferTasks = { task: { preference: 'prefer' } } as const
const accepted = { action: 'accept', content: { name: 'Ada' } } as const

async function serve(t: TestContext): Promise<{ fixture: TaskServer; url: string }> {
  const fixture = new TaskServer({ tasks: { pollIntervalMs: 20 } })
  const listener = await serveHttp(fixture.server, { port: 0, drainMs: 0 })
  t.after(() => listener.close())
  return { fixture, url: listener.url }
}

suite('SDK 1.32 in 2025-11-25', () => {
  async function connect(t: TestContext) {
    const served = await serve(t)
    const client = new ClientV1(
      { name: 'tester', version: '1' },
      { capabilities: { elicitation: {}, tasks: { list: {}, cancel: {} } } },
    )
    client.setRequestHandler(ElicitRequestSchema, () => accepted)
    await client.connect(new HttpV1(new URL(served.url)) as Parameters<typeof client.connect>[0])
    t.after(() => client.close())
    return { ...served, client, tasks: client.experimental.tasks }
  }

  for (const [name, text] of [
    ['quick', 'quick result'],
    ['ask', 'accept Ada'],
  ] as const) {
    test(`25.tasks.013 25.tasks.039: ${name} is called as a task to its end`, async (t) => {
      const { tasks } = await connect(t)
      const types: string[] = []
      let last: unknown
      const stream = tasks.callToolStream({ name, arguments: {} }, CallToolResultSchema, {
        task: { ttl: 60_000 },
      })
      for await (const message of stream) {
        types.push(message.type)
        last = message
      }
      assert.equal(types[0], 'taskCreated')
      assert.equal(types.at(-1), 'result')
      const { result } = last as { result: { content: unknown } }
      assert.deepEqual(result.content, [{ type: 'text', text }])
    })
  }

  test('25.tasks.045 25.tasks.048: tasks are listed, looked at and cancelled', async (t) => {
    const { fixture, tasks } = await connect(t)
    const stream = tasks.callToolStream({ name: 'work', arguments: {} }, CallToolResultSchema, {
      task: { ttl: 60_000 },
    })
    const created = await stream.next()
    assert.equal(created.value?.type, 'taskCreated')
    const [task] = (await tasks.listTasks()).tasks
    const taskId = task?.taskId ?? ''
    assert.equal((await tasks.getTask(taskId)).status, 'working')
    assert.equal((await tasks.cancelTask(taskId)).status, 'cancelled')
    assert.equal(fixture.work.context.signal.aborted, true)
    await stream.return()
  })
})

/** What both forms must do for the official tasks client. */
function sessionSuite(
  name: string,
  open: (t: TestContext, url: string) => Promise<TaskEnabledSession>,
  ids: string,
): void {
  suite(name, () => {
    for (const [tool, text] of [
      ['plain', 'plain result'],
      ['quick', 'quick result'],
      ['ask', 'accept Ada'],
    ] as const) {
      test(`${ids}: ${tool} is called to its end`, async (t) => {
        const { url } = await serve(t)
        const session = await open(t, url)
        const execution = await session.callTool(tool, {}, preferTasks)
        assert.equal(execution.kind, tool === 'plain' ? 'immediate' : 'task')
        const { outcome } = await execution.settle()
        assert.equal(outcome.status, 'completed')
        const { result } = outcome as { result: { content: unknown } }
        assert.deepEqual(result.content, [{ type: 'text', text }])
      })
    }

    test(`${ids}: an error of the protocol fails the task`, async (t) => {
      const { url } = await serve(t)
      const session = await open(t, url)
      const { outcome } = await (await session.callTool('breaks', {}, preferTasks)).settle()
      assert.equal(outcome.status, 'failed')
      const { error } = outcome as { error: Error }
      assert.match(error.message, /The request is no good/)
    })

    test(`${ids}: a task is cancelled`, async (t) => {
      const { fixture, url } = await serve(t)
      const session = await open(t, url)
      const execution = await session.callTool('work', {}, preferTasks)
      await execution.cancel()
      const { outcome } = await execution.settle()
      assert.equal(outcome.status, 'cancelled')
      assert.equal(fixture.work.context.signal.aborted, true)
    })
  })
}

sessionSuite(
  'The official tasks client in 2025-11-25',
  async (t, url) => {
    const client = new Client(
      { name: 'tester', version: '1' },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode: 'legacy' } },
    )
    client.setRequestHandler('elicitation/create', () => accepted as never)
    const transport = new StreamableHTTPClientTransport(new URL(url))
    await client.connect(transport as Parameters<typeof client.connect>[0])
    t.after(() => client.close())
    const { tools } = await client.listTools()
    const session = createTaskSessionFromClient(client, {
      endpointId: 'test',
      tools: {
        currentTool: (name) => {
          const tool = tools.find((each) => each.name === name) as
            | { inputSchema: object; execution?: { taskSupport?: 'optional' | 'required' } }
            | undefined
          const taskSupport = tool?.execution?.taskSupport
          return tool === undefined
            ? undefined
            : {
                name,
                inputSchema: tool.inputSchema as never,
                ...(taskSupport !== undefined && { taskSupport }),
              }
        },
      },
    })
    t.after(() => session.close())
    return session
  },
  '25.tasks.013 25.tasks.039 25.tasks.048',
)

sessionSuite(
  'The official tasks client in 2026-07-28',
  async (t, url) => {
    const session = withTasks(new HttpPort(url), {
      onInputRequest: async () => accepted as never,
    })
    t.after(() => session.close())
    return session
  },
  '26.tasks.002 26.tasks.034 26.tasks.054',
)

/** The client's way to the server in 2026-07-28, which the SDK's own client does not let tasks through. */
class HttpPort implements ConnectedMcpSessionPort {
  readonly endpointId = 'test'
  readonly taskCapabilities = { generation: 'v2', capabilities: {} } as const
  readonly invalidated = false
  readonly #url: string
  #nextId = 1

  constructor(url: string) {
    this.#url = url
  }
  async dispatch(request: unknown): Promise<JsonRpcResponse> {
    const { method, params = {} } = request as { method: string; params?: Record<string, unknown> }
    const _meta = {
      ...(params._meta as object | undefined),
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {
        elicitation: {},
        extensions: { [tasksId]: {} },
      },
    }
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        'mcp-name': String(params.taskId ?? params.name),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: this.#nextId++,
        method,
        params: { ...params, _meta },
      }),
    })
    const { result, error } = (await response.json()) as { result: never; error: never }
    return error === undefined ? { kind: 'result', result } : { kind: 'error', error }
  }
  onServerRequest() {
    return () => {}
  }
  onNotification() {
    return () => {}
  }
  onInvalidated() {
    return () => {}
  }
}
