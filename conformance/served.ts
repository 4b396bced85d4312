/** The fixture as a file that `tsmcp serve` takes. */
import { everythingServer } from './server.ts'

export default await everythingServer()
