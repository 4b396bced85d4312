import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { freePort, serving, weatherServer, workspace } from '../cli/workspace.ts'
import { temporaryFolder } from '../support/folder.ts'
import { statelessPost } from '../support/http.ts'
import { needsPromtool } from './promtool.ts'

const cwd = workspace({ 'weather.ts': weatherServer })

test('a real Prometheus scrapes a node and has its figures, with the labels and the types', async (t) => {
  if (!needsPromtool(t)) return
  const { cli, url } = await serving(['weather.ts', '--admin', ':0'], { cwd })
  const [, admin = ''] = await cli.until(/admin +http:\/\/(\S+)\n/)
  const { headers, body } = statelessPost('tools/call', { name: 'measure' })
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      ...(headers as Record<string, string>),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  })
  assert.equal(answer.status, 200)

  const folder = temporaryFolder(t)
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'tsmcp', static_configs: [{ targets: [admin] }] }],
  }
  writeFileSync(join(folder, 'prometheus.json'), JSON.stringify(config))
  const port = await freePort()
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  t.after(async () => {
    if (prometheus.exitCode !== null) return
    prometheus.kill('SIGKILL')
    await once(prometheus, 'exit')
  })
  const query = async (
    expression: string,
  ): Promise<{ metric: object; value: [number, string] }[]> => {
    const asked = new URLSearchParams({ query: expression })
    try {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?${asked}`)
      const { data } = (await response.json()) as { data?: { result: never[] } }
      return data?.result ?? []
    } catch {
      // It does not listen yet.
      return []
    }
  }
  const name = 'mcp_server_operation_duration_seconds_count'
  let found = await query(name)
  while (found.length === 0) {
    await setTimeout(100)
    found = await query(name)
  }
  const [series] = found
  assert.equal(series?.value[1], '1')
  assert.deepEqual(series?.metric, {
    __name__: name,
    job: 'tsmcp',
    instance: admin,
    mcp_method_name: 'tools/call',
    gen_ai_tool_name: 'measure',
    gen_ai_operation_name: 'execute_tool',
    mcp_protocol_version: '2026-07-28',
    network_transport: 'tcp',
    network_protocol_name: 'http',
    network_protocol_version: '1.1',
  })
  const metadata = await fetch(`http://127.0.0.1:${port}/api/v1/metadata?metric=tsmcp_connections`)
  const { data } = (await metadata.json()) as { data: Record<string, { type: string }[]> }
  assert.equal(data.tsmcp_connections?.[0]?.type, 'gauge')
})
