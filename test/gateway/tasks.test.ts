import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Message } from '../support/messages.ts'
import { connectStateful, connectStateless, type Peer } from '../support/peer.ts'
import { configOf, eras, everything, fixture, openGateway, until } from './support.ts'

const extensions = { 'io.modelcontextprotocol/tasks': {} }

for (const upstreamEra of eras) {
  suite(`a tool that makes tasks, of an upstream of ${upstreamEra}`, () => {
    const servers = { up: fixture({ revisions: [upstreamEra] }) }

    test('is a task for a client of 2025-11-25 that asks for one', async (t) => {
      const { gateway } = await openGateway(t, servers)
      const peer = await connectStateful(t, gateway)
      const { result } = await peer.request('tools/list')
      const tools = result?.tools as unknown as { name: string; execution: object }[]
      const tool = tools.find(({ name }) => name === 'up__task')
      assert.deepEqual(tool?.execution, { taskSupport: 'optional' })
      const created = await peer.request('tools/call', { name: 'up__task', task: {} })
      assert.equal(created.result?.task?.status, 'working')
      const { taskId } = created.result?.task ?? {}
      assert.equal(textOf(await peer.request('tasks/result', { taskId })), 'the task is done')
    })

    test('is a task for a client of 2026-07-28 that knows the extension', async (t) => {
      const { gateway } = await openGateway(t, servers)
      const peer = await connectStateless(t, gateway, { extensions })
      const created = await peer.request('tools/call', { name: 'up__task' })
      assert.equal(created.result?.resultType, 'task')
      const { result } = await taskWith(peer, created.result?.taskId, 'completed')
      assert.equal(textOf({ result: result?.result as never }), 'the task is done')
    })

    test('asks through its task', async (t) => {
      const { gateway } = await openGateway(t, servers)
      const peer = await connectStateless(t, gateway, { extensions, elicitation: {} })
      const { result } = await peer.request('tools/call', { name: 'up__task-asks' })
      const asked = await taskWith(peer, result?.taskId, 'input_required')
      const [[key, question] = []] = Object.entries(asked.result?.inputRequests ?? {})
      assert.ok(key)
      assert.equal(question?.method, 'elicitation/create')
      await peer.request('tasks/update', {
        taskId: result?.taskId,
        inputResponses: { [key]: { action: 'accept', content: { name: 'Ada' } } },
      })
      const ended = await taskWith(peer, result?.taskId, 'completed')
      assert.equal(textOf({ result: ended.result?.result as never }), 'a task of Ada')
    })

    test('is a plain call for a client that has no tasks', async (t) => {
      const { gateway } = await openGateway(t, servers)
      const old = await connectStateful(t, gateway, '2025-03-26')
      const answer = await old.request('tools/call', { name: 'up__task' })
      assert.equal(textOf(answer), 'the task is done')
      const young = await connectStateless(t, gateway)
      const plain = await young.request('tools/call', { name: 'up__task' })
      assert.equal(plain.result?.resultType, 'complete')
      assert.equal(textOf(plain), 'the task is done')
    })
  })
}

test('a task is waited for although its upstream is taken away meanwhile', async (t) => {
  const { gateway } = await openGateway(t, { up: fixture() })
  const peer = await connectStateless(t, gateway)
  const call = peer.request('tools/call', { name: 'up__task' })
  await until(() => gateway.status().upstreams[0]?.running === 1)
  await gateway.reload(configOf({}))
  assert.equal(textOf(await call), 'the task is done')
})

suite('a tool of server-everything that must be called as a task', () => {
  test('is one for a client that asks for it, and is refused to one that could', async (t) => {
    const { gateway } = await openGateway(t, { up: everything() })
    const peer = await connectStateful(t, gateway)
    const call = { name: 'up__simulate-research-query', arguments: { topic: 'tides' } }
    const refused = await peer.request('tools/call', call)
    assert.match(JSON.stringify(refused), /requires task augmentation/)
    const created = await peer.request('tools/call', { ...call, task: {} })
    const { taskId } = created.result?.task ?? {}
    assert.match(String(textOf(await peer.request('tasks/result', { taskId }))), /tides/)
  })

  test('is waited for on behalf of a client that knows no tasks', async (t) => {
    const { gateway } = await openGateway(t, { up: everything() })
    const peer = await connectStateful(t, gateway, '2025-06-18')
    const call = { name: 'up__simulate-research-query', arguments: { topic: 'tides' } }
    assert.match(String(textOf(await peer.request('tools/call', call))), /tides/)
  })
})

function textOf({ result }: Message): unknown {
  return result?.content?.[0]?.text
}

async function taskWith(peer: Peer, taskId: unknown, status: string): Promise<Message> {
  for (;;) {
    const answer = await peer.request('tasks/get', { taskId })
    const seen = String(answer.result?.status)
    if (seen === status) return answer
    assert.ok(['working', 'input_required'].includes(seen), JSON.stringify(answer))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
