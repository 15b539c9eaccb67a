-- Times are seconds since 1970-01-01T00:00:00Z. A label is '' where an app has one credential.
-- No secret value is ever stored; a fingerprint is an HMAC under `installation.key`.
PRAGMA application_id = 0x43726477;  -- "Crdw"

CREATE TABLE installation (
  id TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

CREATE TABLE run (
  id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  exit INTEGER
) STRICT;

CREATE TABLE credential (
  id INTEGER PRIMARY KEY,
  app TEXT NOT NULL,
  label TEXT NOT NULL,
  scope TEXT NOT NULL,
  verdict TEXT NOT NULL,
  severity TEXT NOT NULL,
  expires_at INTEGER,
  never INTEGER NOT NULL,
  fingerprint BLOB CHECK (length(fingerprint) = 16),
  UNIQUE (app, label)
) STRICT;

CREATE TABLE finding (
  credential INTEGER NOT NULL REFERENCES credential (id) ON DELETE CASCADE,
  code TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (credential, code)
) STRICT, WITHOUT ROWID;

-- One row whenever verdict, severity or end changed; verdict NULL: no longer in the inventory.
CREATE TABLE history (
  app TEXT NOT NULL,
  label TEXT NOT NULL,
  at INTEGER NOT NULL,
  verdict TEXT,
  severity TEXT,
  expires_at INTEGER,
  never INTEGER NOT NULL,
  PRIMARY KEY (app, label, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_at ON history (at);

-- What a server accepted for whom; a webhook's person is ''. Outlives the credential until its end was told.
CREATE TABLE told (
  channel TEXT NOT NULL,
  person TEXT NOT NULL,
  app TEXT NOT NULL,
  label TEXT NOT NULL,
  code TEXT NOT NULL,
  severity TEXT NOT NULL,
  days INTEGER,
  at INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  PRIMARY KEY (channel, person, app, label, code)
) STRICT, WITHOUT ROWID;

-- Who is owed a message since when.
CREATE TABLE undelivered (
  channel TEXT NOT NULL,
  person TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (channel, person)
) STRICT, WITHOUT ROWID;
