/**
 * The catalog's tables, and the migrations that lead to them. One database holds the sources' files and the tree
 * that is made of them, so that one transaction can change both.
 *
 * Migrations only ever go forward. `user_version` counts those that were applied; `application_id` tells a
 * catalog from any other SQLite database.
 */
import type { Database } from 'better-sqlite3';
import { FacetError } from '../errors.js';

/** "fact", as SQLite's header stores it. */
const APPLICATION_ID = 0x66616374;

/** Inode 1 is the root of the tree; 2–999 are reserved; files and directories share the numbers from here on. */
export const ROOT_INODE = 1;
export const FIRST_INODE = 1000;

/** Each leads from one version to the next. What was released is never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counters VALUES ('next_inode', ${FIRST_INODE});

  CREATE TABLE sources(
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE,
    uri      TEXT NOT NULL,
    options  TEXT NOT NULL,               -- JSON: include, exclude, follow
    state    TEXT NOT NULL DEFAULT '{}'   -- JSON: how the last scan went
  );

  -- A folder's path is stored once, however many files it holds: the catalog of a million files shrinks by half.
  CREATE TABLE folders(
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: what it stands for may be remembered
    source_id  INTEGER NOT NULL REFERENCES sources(id),
    path       TEXT NOT NULL,             -- below the source's root, '' is the root itself, no leading or trailing '/'
    mtime_us   INTEGER NOT NULL,
    mode       INTEGER NOT NULL,
    deleted_at INTEGER                    -- ms since the epoch; the row stays for the deleted files that name it
  );
  CREATE UNIQUE INDEX folders_path ON folders(source_id, path);

  CREATE TABLE files(
    id         INTEGER PRIMARY KEY,       -- also the inode number in the tree; never used twice
    folder_id  INTEGER NOT NULL,          -- of folders; no foreign key: checking it would search all files
    name       TEXT NOT NULL,
    size       INTEGER NOT NULL,          -- bytes
    mtime_us   INTEGER NOT NULL,          -- microseconds since the epoch
    mode       INTEGER NOT NULL,          -- st_mode: type and permissions
    dev        INTEGER,                   -- with ino, what recognises a renamed file
    ino        INTEGER,
    target     TEXT,                      -- of a symbolic link
    sha256     BLOB,
    deleted_at INTEGER
  );
  CREATE UNIQUE INDEX files_name ON files(folder_id, name) WHERE deleted_at IS NULL;
  CREATE INDEX files_deleted ON files(folder_id, name) WHERE deleted_at IS NOT NULL;
  CREATE INDEX files_ino ON files(ino);

  CREATE TABLE changes(
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,             -- ms since the epoch
    file_id INTEGER NOT NULL,
    kind    TEXT NOT NULL,                -- added, modified, renamed, deleted, restored, described
    detail  TEXT                          -- JSON, where there is more to say
  );

  CREATE TABLE dirs(
    ino      INTEGER PRIMARY KEY,
    parent   INTEGER NOT NULL,
    name     TEXT NOT NULL,
    mtime_us INTEGER NOT NULL,
    mode     INTEGER NOT NULL,
    declared INTEGER NOT NULL             -- 1: stays when it is empty
  );
  INSERT INTO dirs VALUES (${ROOT_INODE}, ${ROOT_INODE}, '', 0, ${0o040755}, 1);

  CREATE TABLE entries(
    parent INTEGER NOT NULL,
    name   TEXT NOT NULL,
    ino    INTEGER NOT NULL,
    type   INTEGER NOT NULL,              -- d_type of readdir(3): 4 directory, 8 file, 10 symbolic link
    wanted TEXT,                          -- the name it would have, had another entry not taken it
    PRIMARY KEY (parent, name)
  ) WITHOUT ROWID;
  CREATE INDEX entries_ino ON entries(ino);
  CREATE INDEX entries_displaced ON entries(parent) WHERE wanted IS NOT NULL;

  CREATE TABLE tree_changes(
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER NOT NULL,              -- the directory that changed
    name   TEXT                           -- the entry that was removed or means something else now; NULL: only additions
  );
  `,
  `
  -- Given directly; those of label rules follow from a file's path and are not stored.
  CREATE TABLE labels(
    label   TEXT NOT NULL,
    file_id INTEGER NOT NULL,
    PRIMARY KEY (label, file_id)
  ) WITHOUT ROWID;
  CREATE INDEX labels_file ON labels(file_id);

  CREATE TABLE properties(
    file_id INTEGER PRIMARY KEY,
    json    TEXT NOT NULL                 -- an object: name → text, number or a list of these
  );

  CREATE TRIGGER files_forgotten AFTER DELETE ON files BEGIN
    DELETE FROM labels WHERE file_id = OLD.id;
    DELETE FROM properties WHERE file_id = OLD.id;
  END;

  -- The rules in force: what every process that writes arranges the tree by. No row: the default arrangement.
  CREATE TABLE rules(
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    text       TEXT NOT NULL,             -- rules.yaml as it was applied
    document   TEXT NOT NULL,             -- JSON: what it says
    applied_at INTEGER NOT NULL           -- ms since the epoch
  );

  -- When a file's placement is to be looked at again: rules can depend on its age.
  CREATE TABLE due(
    file_id INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL              -- ms since the epoch
  );
  CREATE INDEX due_at ON due(at);

  ALTER TABLE entries ADD COLUMN newest INTEGER NOT NULL DEFAULT 0; -- 1: of those that want the name, only the newest is shown
  -- Entries that are not shown, because a newer file has the name they want.
  CREATE TABLE hidden(
    parent INTEGER NOT NULL,
    wanted TEXT NOT NULL,
    ino    INTEGER NOT NULL,
    type   INTEGER NOT NULL,
    PRIMARY KEY (parent, wanted, ino)
  ) WITHOUT ROWID;
  CREATE INDEX hidden_ino ON hidden(ino);
  `,
  `
  -- What a remote source calls this version of the contents, and the whole path where that is no path of ours.
  ALTER TABLE files ADD COLUMN version TEXT;
  ALTER TABLE files ADD COLUMN key TEXT;
  `,
  `
  -- That a file was read is no change of it: what is known of that is kept apart.
  CREATE TABLE accesses(
    file_id INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,             -- ms since the epoch: the last time, exact to a minute
    count   INTEGER NOT NULL              -- how often it was opened or fetched
  );
  CREATE TRIGGER files_unread AFTER DELETE ON files BEGIN
    DELETE FROM accesses WHERE file_id = OLD.id;
  END;
  `,
  `
  -- Finds files that were renamed at a remote source.
  CREATE INDEX files_by_version ON files(version) WHERE version IS NOT NULL;
  `,
  `
  -- Some sources know their files by keys, and a file keeps its key wherever it goes.
  CREATE INDEX files_key ON files(key) WHERE key IS NOT NULL;

  -- JSON: for each property that a user gave to a file of whose properties the source tells as well, what the source
  -- says of it, or null. NULL: the source tells of none, and all are the user's.
  ALTER TABLE properties ADD COLUMN beneath TEXT;
  `,
  `
  -- What each source has at present: to count a million files takes a third of a second, to keep the counts a third of a
  -- microsecond a file.
  CREATE TABLE totals(
    source_id INTEGER PRIMARY KEY,
    files     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    folders   INTEGER NOT NULL
  );
  INSERT INTO totals SELECT s.id, count(f.id), coalesce(sum(f.size), 0),
    (SELECT count(*) FROM folders WHERE source_id = s.id AND deleted_at IS NULL)
  FROM sources s LEFT JOIN folders d ON d.source_id = s.id
    LEFT JOIN files f ON f.folder_id = d.id AND f.deleted_at IS NULL
  GROUP BY s.id;
  CREATE TRIGGER source_counted AFTER INSERT ON sources BEGIN
    INSERT INTO totals VALUES (NEW.id, 0, 0, 0);
  END;
  CREATE TRIGGER source_uncounted AFTER DELETE ON sources BEGIN
    DELETE FROM totals WHERE source_id = OLD.id;
  END;
  CREATE TRIGGER folder_counted AFTER INSERT ON folders WHEN NEW.deleted_at IS NULL BEGIN
    UPDATE totals SET folders = folders + 1 WHERE source_id = NEW.source_id;
  END;
  CREATE TRIGGER folder_recounted AFTER UPDATE OF deleted_at ON folders
  WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) BEGIN
    UPDATE totals SET folders = folders + (NEW.deleted_at IS NULL) - (OLD.deleted_at IS NULL)
    WHERE source_id = NEW.source_id;
  END;
  CREATE TRIGGER folder_uncounted AFTER DELETE ON folders WHEN OLD.deleted_at IS NULL BEGIN
    UPDATE totals SET folders = folders - 1 WHERE source_id = OLD.source_id;
  END;
  CREATE TRIGGER file_counted AFTER INSERT ON files WHEN NEW.deleted_at IS NULL BEGIN
    UPDATE totals SET files = files + 1, bytes = bytes + NEW.size
    WHERE source_id = (SELECT source_id FROM folders WHERE id = NEW.folder_id);
  END;
  -- A file never goes from one source to another.
  CREATE TRIGGER file_recounted AFTER UPDATE OF size, deleted_at ON files
  WHEN OLD.size <> NEW.size OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) BEGIN
    UPDATE totals SET files = files + (NEW.deleted_at IS NULL) - (OLD.deleted_at IS NULL),
      bytes = bytes + iif(NEW.deleted_at IS NULL, NEW.size, 0) - iif(OLD.deleted_at IS NULL, OLD.size, 0)
    WHERE source_id = (SELECT source_id FROM folders WHERE id = NEW.folder_id);
  END;
  CREATE TRIGGER file_uncounted AFTER DELETE ON files WHEN OLD.deleted_at IS NULL BEGIN
    UPDATE totals SET files = files - 1, bytes = bytes - OLD.size
    WHERE source_id = (SELECT source_id FROM folders WHERE id = OLD.folder_id);
  END;
  `,
];

/** The version that this build reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Is every migration applied already? Writes nothing. Throws `failed` for a catalog of a later version, `integrity` for
 * the database of another program.
 */
export function isCurrent(db: Database, file: string): boolean {
  const { version, isCatalog, isEmpty } = db.transaction(() => readHeader(db))();
  if (!isCatalog && !isEmpty) throw notACatalog(file);
  if (version > SCHEMA_VERSION) {
    throw new FacetError(
      'failed',
      `the catalog ${file} is of version ${version}; this facet knows ${SCHEMA_VERSION}`,
      {
        path: file,
        hint: 'upgrade facet, or point it at another catalog with --home',
      },
    );
  }
  return version === SCHEMA_VERSION;
}

function readHeader(db: Database): { version: number; isCatalog: boolean; isEmpty: boolean } {
  const version = Number(db.pragma('user_version', { simple: true }));
  const isCatalog = Number(db.pragma('application_id', { simple: true })) === APPLICATION_ID;
  const isEmpty = version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  return { version, isCatalog, isEmpty };
}

function notACatalog(file: string): FacetError {
  return new FacetError('integrity', `${file} is a SQLite database, but not a facet catalog`, {
    path: file,
    hint: 'move it away, or point facet at another place with --home',
  });
}

/** Brings a catalog to `SCHEMA_VERSION`, in one transaction: another process sees all of it or nothing. */
export function migrate(db: Database, file: string): void {
  db.transaction(() => {
    // Two processes may have opened a new catalog at once: the second one finds the work done.
    if (isCurrent(db, file)) return;
    const { version } = readHeader(db);
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}
