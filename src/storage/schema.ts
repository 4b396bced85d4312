/** "tsmc": says in the header of the file whose it is (SQLite, application_id). */
export const applicationId = 0x74736d63

/**
 * What each version of the schema adds to the one before; the number of the last is the version of the file
 * (user_version). Steps that have been published are never changed.
 */
export const migrations: readonly string[] = [
  `
  -- Processes that work with the file. Their numbers begin the ids of streams and events, and say whose a task is.
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL
  ) STRICT;

  -- Keys grow with time, so that new rows stand together. Of the id there is only a hash: who reads the file cannot
  -- speak as its clients.
  -- The run is that of the process that holds the session.
  CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    id_hash TEXT NOT NULL,
    revision TEXT NOT NULL,
    profile TEXT NOT NULL,
    subject TEXT,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    log_level TEXT
  ) STRICT;
  CREATE INDEX sessions_by_subject ON sessions (subject) WHERE subject IS NOT NULL;

  CREATE TABLE subscriptions (
    session INTEGER NOT NULL,
    uri TEXT NOT NULL,
    PRIMARY KEY (session, uri)
  ) STRICT, WITHOUT ROWID;

  -- Requests: JSON of the id that is answered on the stream, of an array of them, or null.
  CREATE TABLE streams (
    session INTEGER NOT NULL,
    number INTEGER NOT NULL,
    requests TEXT NOT NULL,
    is_ended INTEGER NOT NULL DEFAULT 0,
    forgotten INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    logged_at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_session ON events (session, sequence);

  CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    run INTEGER NOT NULL,
    is_over INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tasks_by_owner ON tasks (owner, created_at);
  CREATE INDEX tasks_by_expiry ON tasks (expires_at);
  CREATE INDEX tasks_running ON tasks (run) WHERE is_over = 0;
  `,
  `
  -- What was used and must not be again, until it is too old anyway.
  CREATE TABLE used (
    id TEXT PRIMARY KEY,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX used_by_end ON used (until);
  `,
]
