/** What can be written, by name: the threads send each other the name and the values. */
export const statements = {
  openSession: `INSERT INTO sessions
    (key, id_hash, revision, profile, subject, created_at, seen_at, run)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)`,
  holdSession: 'UPDATE sessions SET run = ?2 WHERE key = ?1 AND run = ?3',
  seen: 'UPDATE sessions SET seen_at = max(seen_at, ?2) WHERE key = ?1',
  setLogLevel: 'UPDATE sessions SET log_level = ?2 WHERE key = ?1',
  endSession: 'DELETE FROM sessions WHERE key = ?1',
  endSubscriptions: 'DELETE FROM subscriptions WHERE session = ?1',
  endStreams: 'DELETE FROM streams WHERE session = ?1',
  endEvents: 'DELETE FROM events WHERE session = ?1',
  subscribe: 'INSERT OR IGNORE INTO subscriptions (session, uri) VALUES (?1, ?2)',
  unsubscribe: 'DELETE FROM subscriptions WHERE session = ?1 AND uri = ?2',
  openStream: 'INSERT INTO streams (session, number, requests) VALUES (?1, ?2, ?3)',
  endStream: 'UPDATE streams SET is_ended = 1 WHERE session = ?1 AND number = ?2',
  dropStream: 'DELETE FROM streams WHERE session = ?1 AND number = ?2',
  appendEvent: `INSERT INTO events (session, stream, sequence, logged_at, data)
    VALUES (?1, ?2, ?3, ?4, ?5)`,
  forgetEvents: 'DELETE FROM events WHERE session = ?1 AND stream = ?2 AND sequence <= ?3',
  markForgotten: `UPDATE streams SET forgotten = max(forgotten, ?3)
    WHERE session = ?1 AND number = ?2`,
  // A task that is over stays as it is, whichever process has ended it.
  saveTask: `INSERT INTO tasks (id, owner, run, is_over, created_at, expires_at, record)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (id) DO UPDATE SET is_over = excluded.is_over, record = excluded.record
    WHERE tasks.is_over = 0`,
  deleteTask: 'DELETE FROM tasks WHERE id = ?1',
  use: 'INSERT INTO used (id, until) VALUES (?1, ?2)',
} as const

export type StatementName = keyof typeof statements

/** A value of a row. */
export type Value = string | number | null
