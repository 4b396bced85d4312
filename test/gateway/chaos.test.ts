import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  callText,
  connect,
  eras,
  everything,
  fixture,
  isAlive,
  openGateway,
  until,
} from './support.ts'

/** In the slow lane five minutes, as the bar has it. */
const chaosMs = process.env.SLOW_TESTS === '1' ? 300_000 : 20_000
const clientCount = 8
const maxDelayMs = 400

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

/** Processes whose parent is this one, but for the guard against orphans. */
function children(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(stat) ?? []
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return Number(parent) === process.pid && !command.startsWith('/bin/sh')
      } catch {
        return false
      }
    })
    .map(Number)
}

test(`upstreams are killed at random for ${chaosMs / 1000} s under load: no wrong answer, clear errors, all come back`, async (t) => {
  const tsmcp = { restarts: { max: 1000, firstDelayMs: 20, maxDelayMs } }
  const servers = {
    one: fixture(tsmcp),
    old: fixture({ ...tsmcp, revisions: ['2025-11-25'] }),
    everything: everything(tsmcp),
  }
  const names = Object.keys(servers)
  const echoes: [string, string, (text: string) => string][] = [
    ['one__echo', 'text', (text) => text],
    ['old__echo', 'text', (text) => text],
    ['everything__echo', 'message', (text) => `Echo: ${text}`],
  ]
  const { gateway } = await openGateway(t, servers)
  const clients = await Promise.all(
    Array.from({ length: clientCount }, (_, index) =>
      connect(t, gateway, eras[index % eras.length]),
    ),
  )
  const pick = random(42)
  const untilMs = Date.now() + chaosMs
  let answered = 0
  const errors = new Map<string, number>()
  const wrong: string[] = []
  const load = clients.map(async (client, number) => {
    for (let count = 0; Date.now() < untilMs; count++) {
      const [tool, argument, expected] = echoes[
        (number + count) % echoes.length
      ] as (typeof echoes)[0]
      const text = `${number} ${count} ${'x'.repeat(count % 2000)}`
      try {
        const answer = await callText(client, tool, { [argument]: text })
        if (answer === expected(text)) answered++
        else wrong.push(`${tool} ${text}: ${answer}`)
      } catch (error) {
        const message = (error as Error).message
        errors.set(message, (errors.get(message) ?? 0) + 1)
      }
    }
  })
  let kills = 0
  const killed: number[] = []
  while (Date.now() < untilMs - 2000) {
    await new Promise((resolve) => setTimeout(resolve, 100 + pick() * 700))
    const upstream = gateway.status().upstreams[Math.floor(pick() * names.length)]
    for (const pid of upstream?.pids ?? []) {
      try {
        process.kill(pid, 'SIGKILL')
        kills++
        killed.push(pid)
      } catch {
        // It has only just ended.
      }
    }
  }
  await Promise.all(load)
  t.diagnostic(`${answered} answers, ${kills} kills, errors: ${JSON.stringify([...errors])}`)

  assert.deepEqual(wrong, [])
  assert.ok(kills > 10, `${kills} kills`)
  assert.ok(answered > 1000, `${answered} answers`)
  for (const message of errors.keys()) {
    assert.match(
      message,
      /^Upstream (one|old|everything): its process was ended by SIGKILL|^Upstream \w+: .*SIGKILL/,
    )
  }
  // A call is either answered or among the few that were in flight when their upstream was killed.
  const failures = [...errors.values()].reduce((sum, count) => sum + count, 0)
  assert.ok(failures <= kills * clientCount, `${failures} failures of ${kills} kills`)
  await until(() => gateway.status().upstreams.every(({ state }) => state === 'ready'))
  for (const [tool, argument, expected] of echoes) {
    assert.equal(await callText(clients[0] as never, tool, { [argument]: 'z' }), expected('z'))
  }
  // As many processes as upstreams, and none of those that were killed, not even as a zombie.
  await until(() => children().length === names.length)
  assert.deepEqual(killed.filter(isAlive), [])
  const pids = gateway.status().upstreams.flatMap((upstream) => upstream.pids)
  assert.deepEqual(children().toSorted(), pids.toSorted())
})
