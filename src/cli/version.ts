import { manifest } from './manifest.ts'

/** The version of this package. */
export const { version } = manifest
