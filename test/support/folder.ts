import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { after, TestContext } from 'node:test'

/** A folder of its own for a test, or for the tests of a file by their `after`, removed at the end. */
export function temporaryFolder(t: Pick<TestContext, 'after'> | { after: typeof after }): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsmcp-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
