export { type ServeTcpOptions, serveTcp, type TcpListener } from './server/serve-tcp.ts'
