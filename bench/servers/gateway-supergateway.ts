import { installed, serveByCommand, upstream } from './by-command.ts'

serveByCommand((port) => [
  installed('supergateway'),
  '--stdio',
  `${process.execPath} ${upstream}`,
  '--outputTransport',
  'streamableHttp',
  '--stateful',
  '--port',
  String(port),
  '--logLevel',
  'none',
])
