/** What the caller got wrong: the message tells the model what to do, and nobody needs a stack. */
export class Mistake extends Error {
  override readonly name = 'Mistake'
}
