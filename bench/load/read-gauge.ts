import type { ChildProcess } from 'node:child_process'
import { serverCore, start } from '../processes/child.ts'
import { ask } from '../processes/ipc.ts'
import type { GaugeReading } from './gauge.ts'

let gauge: ChildProcess | undefined

/** Takes a reading of the gauge, which is started with the first one. */
export function readGauge(): Promise<GaugeReading> {
  if (gauge === undefined || !gauge.connected) gauge = start('load/gauge.ts', { core: serverCore })
  return ask<GaugeReading>(gauge, 'read')
}
