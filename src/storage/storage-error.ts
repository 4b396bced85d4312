/** Why stored data cannot be used, in one line that says what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
}
