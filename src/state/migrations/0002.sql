-- The journal of rotations: rows are only ever added. Times are milliseconds since 1970-01-01T00:00:00Z.
-- A seal is an HMAC, under `installation.key`, of the row and of the seal before it in the same rotation.
CREATE TABLE rotation_event (
  position INTEGER PRIMARY KEY,
  identity TEXT NOT NULL,
  rotation TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  epoch INTEGER,
  at INTEGER NOT NULL,
  provider_date INTEGER,
  body TEXT NOT NULL,
  seal BLOB NOT NULL CHECK (length(seal) = 16),
  UNIQUE (rotation, sequence)
) STRICT;
CREATE INDEX rotation_event_identity ON rotation_event (identity);
CREATE TRIGGER rotation_event_stays BEFORE UPDATE ON rotation_event BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER rotation_event_remains BEFORE DELETE ON rotation_event BEGIN SELECT RAISE(ABORT, 'append only'); END;

-- Counts the holders of the lock, so that one who was overtaken is known.
CREATE TABLE lease (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL
) STRICT;
INSERT INTO lease (one, epoch) VALUES (1, 0);
