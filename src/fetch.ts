export {
  createFetchHandler,
  type FetchHandler,
  type FetchHandlerOptions,
} from './server/fetch-handler.ts'
