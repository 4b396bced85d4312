import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/** Runs Prometheus' own tool, with something on its standard input if need be. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** Whether it is there; else the test is skipped and says how to have it. In CI it must be. */
export function needsPromtool(t: Pick<TestContext, 'skip'>): boolean {
  if (spawnSync('promtool', ['--version']).status === 0) return true
  if (process.env.CI !== undefined)
    throw new Error('promtool is missing: apt-get install prometheus')
  t.skip('promtool is not installed: apt-get install prometheus')
  return false
}
