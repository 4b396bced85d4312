export { type ChannelHandler, createChannelHandler } from './server/channel-handler.ts'
export type { Channel, ChannelListener } from './transports/channel.ts'
