import { installed, serveByCommand, upstream } from './by-command.ts'

serveByCommand((port) => [
  installed('mcp-proxy'),
  '--port',
  String(port),
  '--host',
  '127.0.0.1',
  '--server',
  'stream',
  '--',
  process.execPath,
  upstream,
])
