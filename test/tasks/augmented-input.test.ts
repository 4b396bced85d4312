/** Tasks of 2025-11-25 that ask, report progress and log. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startEndpoint } from '../support/http.ts'
import { list, type Message, notification, request } from '../support/messages.ts'
import { connectStateful, type Peer } from '../support/peer.ts'
import { beginAugmented, relatedTask, TaskServer, untilStatus } from '../support/tasks.ts'

const asking = { elicitation: {} }

/** The next message that is no status. */
async function nextOf(peer: Peer, method: string): Promise<Message> {
  for (;;) {
    const message = await peer.next()
    if (message.method === method) return message
  }
}

function accept(peer: Peer, { id }: Message, name: string): void {
  peer.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { name } } })
}

suite('A task that asks', () => {
  test('25.tasks.028 25.tasks.029 25.tasks.030 25.tasks.031 25.tasks.042: waits as input_required until it is asked for in tasks/result', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    const { taskId } = await beginAugmented(peer, 'ask')
    await untilStatus(peer, taskId, 'input_required')
    const told = await peer.next()
    assert.equal(told.method, 'notifications/tasks/status')
    assert.equal(told.params?.status, 'input_required')

    const result = peer.request('tasks/result', { taskId })
    const question = await nextOf(peer, 'elicitation/create')
    assert.deepEqual(question.params?._meta, { [relatedTask]: { taskId } })
    assert.equal(question.params?.message, 'Your name?')
    accept(peer, question, 'Ada')
    assert.equal(list((await result).result?.content)[0]?.text, 'accept Ada')
    const statuses = peer.received
      .filter(({ method }) => method === 'notifications/tasks/status')
      .map(({ params }) => params?.status)
    assert.deepEqual(statuses, ['input_required', 'working', 'completed'])
  })

  test('25.tasks.028 25.tasks.032: asks at once where the client listens, and not again when it waits', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    const { taskId } = await beginAugmented(peer, 'askTwo')
    const first = await nextOf(peer, 'elicitation/create')
    const second = await nextOf(peer, 'elicitation/create')
    const result = peer.request('tasks/result', { taskId })
    accept(peer, second, 'Bea')
    await untilStatus(peer, taskId, 'input_required')
    accept(peer, first, 'Ada')
    assert.equal(list((await result).result?.content)[0]?.text, 'Ada Bea')
    const questions = peer.received.filter(({ method }) => method === 'elicitation/create')
    assert.equal(questions.length, 2)
  })

  test('25.tasks.014: says nothing before the answer to its request', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    await beginAugmented(peer, 'ask')
    await nextOf(peer, 'elicitation/create')
    const [, answer, ...rest] = peer.received
    assert.equal(answer?.result?.task?.status, 'working')
    assert.deepEqual(
      rest.map(({ method }) => method),
      ['notifications/tasks/status', 'elicitation/create'],
    )
  })

  test('25.tasks.039: fails when the client answers with an error or with nonsense', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    for (const answer of [
      { error: { code: -1, message: 'No user' } },
      { result: { action: 'maybe' } },
      { result: { action: 'accept', content: { name: 5 } } },
    ]) {
      const { taskId } = await beginAugmented(peer, 'ask')
      const result = peer.request('tasks/result', { taskId })
      const { id } = await nextOf(peer, 'elicitation/create')
      peer.send({ jsonrpc: '2.0', id, ...answer })
      assert.equal((await result).error?.code, -32603)
    }
  })

  test('25.tasks.048: takes its question back when it is cancelled', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    const { taskId } = await beginAugmented(peer, 'ask')
    const result = peer.request('tasks/result', { taskId })
    const question = await nextOf(peer, 'elicitation/create')
    await peer.request('tasks/cancel', { taskId })
    const takenBack = await nextOf(peer, 'notifications/cancelled')
    assert.equal(takenBack.params?.requestId, question.id)
    assert.equal((await result).error?.code, -32603)
  })

  test('25.tasks.028: fails where the client cannot be asked', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server)
    const { taskId } = await beginAugmented(peer, 'ask')
    const got = await untilStatus(peer, taskId, 'failed')
    assert.match(String(got.result?.statusMessage), /does not support elicitation/)
  })

  test('25.tasks.013: a tool that begins its task itself asks within the request first', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    const call = peer.request('tools/call', { name: 'late', task: {} })
    const before = await nextOf(peer, 'elicitation/create')
    assert.equal(before.params?._meta, undefined, 'there is no task yet')
    accept(peer, before, 'Ada')
    const taskId = String((await call).result?.task?.taskId)
    const result = peer.request('tasks/result', { taskId })
    const inside = await nextOf(peer, 'elicitation/create')
    assert.deepEqual(inside.params?._meta, { [relatedTask]: { taskId } })
    accept(peer, inside, 'Bea')
    assert.equal(list((await result).result?.content)[0]?.text, `Ada and Bea, task ${taskId}`)
  })

  test('25.tasks.013: a task was promised, so there is one even if the tool needs none', async (t) => {
    const peer = await connectStateful(t, new TaskServer().server, '2025-11-25', asking)
    const call = peer.request('tools/call', { name: 'late', task: {} })
    accept(peer, await nextOf(peer, 'elicitation/create'), 'nobody')
    const begun = (await call).result?.task
    assert.equal(begun?.status, 'working')
    const result = await peer.request('tasks/result', { taskId: begun?.taskId })
    assert.equal(list(result.result?.content)[0]?.text, 'no task for nobody')
  })
})

suite('A task that speaks', () => {
  test('25.tasks.042 25.progress.008 25.progress.009 25.progress.011: progress keeps the token of the call and names the task', async (t) => {
    const fixture = new TaskServer()
    const peer = await connectStateful(t, fixture.server)
    const answer = await peer.request(
      'tools/call',
      { name: 'work', task: {} },
      { meta: { progressToken: 'mine' } },
    )
    const taskId = String(answer.result?.task?.taskId)
    fixture.work.context.progress(1, 4, 'One of four')
    const progress = await nextOf(peer, 'notifications/progress')
    assert.deepEqual(progress.params, {
      progressToken: 'mine',
      progress: 1,
      total: 4,
      message: 'One of four',
      _meta: { [relatedTask]: { taskId } },
    })
    const got = await peer.request('tasks/get', { taskId })
    assert.equal(got.result?.statusMessage, 'One of four')
    fixture.work.context.log('info', 'half way')
    const log = await nextOf(peer, 'notifications/message')
    assert.deepEqual(log.params?._meta, { [relatedTask]: { taskId } })
    fixture.work.finish('done')
    await untilStatus(peer, taskId, 'completed')
    const count = peer.received.length
    fixture.work.context.progress(2)
    await peer.request('ping')
    assert.equal(peer.received.length, count + 1, 'nothing is said of a task that is over')
  })

  test('25.tasks.030 25.tasks.033 25.tasks.016: over HTTP whoever waits is asked, and when that one has gone the next', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer().server)
    const session = await endpoint.session('2025-11-25', asking)
    const begun = await session.call('tools/call', { name: 'ask', task: {} })
    const taskId = String(begun.result?.task?.taskId)
    const got = await session.send(request('tasks/get', { taskId }, 50))
    assert.match(String(got.headers['content-type']), /^application\/json/)
    assert.equal(got.message.result?.status, 'input_required')

    const gone = await session.open(request('tasks/result', { taskId }, 51))
    const lost = await gone.events.nextMessage()
    assert.equal(lost?.method, 'elicitation/create')
    await session.send(notification('notifications/cancelled', { requestId: 51 }))
    const takenBack = await gone.events.nextMessage()
    assert.equal(takenBack?.method, 'notifications/cancelled')
    assert.equal(takenBack?.params?.requestId, lost?.id)

    const stream = await session.open(request('tasks/result', { taskId }, 52))
    const question = await stream.events.nextMessage()
    assert.equal(question?.method, 'elicitation/create')
    assert.notEqual(question?.id, lost?.id)
    assert.deepEqual(question?.params?._meta, { [relatedTask]: { taskId } })
    const answer = { jsonrpc: '2.0', id: question?.id, result: { action: 'decline' } }
    assert.equal((await session.send(answer)).status, 202)
    const rest = await stream.events.rest()
    assert.equal(list(rest.at(-1)?.result?.content)[0]?.text, 'decline undefined')
  })

  test('25.tasks.032: over HTTP a client that only polls is asked on the stream it listens to, even one opened later', async (t) => {
    const endpoint = await startEndpoint(t, new TaskServer().server)
    const session = await endpoint.session('2025-11-25', asking)
    const begun = await session.call('tools/call', { name: 'ask', task: {} })
    const taskId = String(begun.result?.task?.taskId)
    const stream = await session.listen()
    await session.call('tasks/get', { taskId })
    await session.call('tasks/get', { taskId })
    const question = await stream.events.nextMessage()
    assert.equal(question?.method, 'elicitation/create')
    await session.send({ jsonrpc: '2.0', id: question?.id, result: { action: 'cancel' } })
    const statuses: unknown[] = []
    while (statuses.at(-1) !== 'completed') {
      const message = await stream.events.nextMessage()
      assert.equal(message?.method, 'notifications/tasks/status', 'it is asked once')
      statuses.push(message.params?.status)
    }
    assert.deepEqual(statuses, ['working', 'completed'])
    stream.abort()
  })
})
