#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { findNewerNode, isNewEnough, runWith, tooOldMessage } from './node-version.ts'

if (isNewEnough(process.versions.node)) {
  const { runProcess } = await import('./run-process.ts')
  await runProcess()
} else {
  const binary = findNewerNode([process.cwd(), fileURLToPath(new URL('.', import.meta.url))])
  if (binary === undefined) {
    process.stderr.write(`${tooOldMessage(process.versions.node)}\n`)
    process.exitCode = 1
  } else {
    runWith(binary, process.argv.slice(1))
  }
}
