import { raw2025, raw2026, tsmcp2025, tsmcp2026 } from '../targets.ts'
import { type Context, withServer } from './context.ts'

/** The raw server is a ceiling only while it answers as many bytes as tsmcp does. */
export async function checkRawAnswers(context: Context): Promise<void> {
  for (const pair of [
    [raw2025, tsmcp2025],
    [raw2026, tsmcp2026],
  ]) {
    const lengths: number[] = []
    for (const target of pair) {
      lengths.push(
        await withServer(target, {}, ({ peer }) => context.load<number>('answerBytes', { peer })),
      )
    }
    const [raw, ours] = lengths
    if (raw !== ours) {
      throw new Error(
        `servers/raw.ts answers ${raw} bytes in ${pair[0]?.revision}, tsmcp ${ours}: make it answer the same`,
      )
    }
  }
}
