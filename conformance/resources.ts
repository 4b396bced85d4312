import { Buffer } from 'node:buffer'
import type { Server } from '../dist/index.js'
import { redPixelPng } from './samples.ts'

export function addResources(server: Server): void {
  server.resource(
    'test://static-text',
    { name: 'static-text', description: 'A static text resource', mimeType: 'text/plain' },
    () => 'This is the content of the static text resource.',
  )

  server.resource(
    'test://static-binary',
    { name: 'static-binary', description: 'A static binary resource', mimeType: 'image/png' },
    () => Buffer.from(redPixelPng, 'base64'),
  )

  server.resource(
    'test://watched-resource',
    {
      name: 'watched-resource',
      description: 'A resource that clients subscribe to',
      mimeType: 'text/plain',
    },
    () => 'Watched resource content',
  )

  server.resourceTemplate(
    'test://template/{id}/data',
    {
      name: 'template',
      description: 'The data of one id',
      mimeType: 'application/json',
      complete: { id: (value) => ['123', '456'].filter((id) => id.startsWith(value)) },
    },
    ({ variables }) =>
      JSON.stringify({
        id: variables.id,
        templateTest: true,
        data: `Data for ID: ${variables.id}`,
      }),
  )
}
