/** The load generator: a process of its own that runs one job after the other for the runner. */
import { answerParent } from '../processes/ipc.ts'
import { runCalls } from './calls.ts'
import { holdSessions, openStreams, probeSessions, release } from './hold.ts'
import { countLost, forgetTold, listenMore, releaseListeners, untilAllTold } from './listeners.ts'
import { answerBytes } from './probe.ts'
import { readGauge } from './read-gauge.ts'
import { runSessions } from './sessions.ts'
import { runStdio } from './stdio.ts'

answerParent({
  calls: runCalls,
  sessions: runSessions,
  stdio: runStdio,
  holdSessions,
  probeSessions,
  openStreams,
  release,
  listenMore,
  forgetTold,
  untilAllTold,
  countLost,
  releaseListeners,
  answerBytes,
  gauge: readGauge,
})
