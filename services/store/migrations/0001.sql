-- Times are seconds since 1970. Info-hashes are lower-case hex. JSON is TEXT.
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE notebooks (id INTEGER PRIMARY KEY, created_at REAL NOT NULL) STRICT;
-- A chat that migrates, or a first owner's claim, changes one row here.
CREATE TABLE doors (
    door TEXT PRIMARY KEY,
    notebook_id INTEGER NOT NULL REFERENCES notebooks
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    person TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('owner', 'user')),
    added_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a note's number is never used again.
CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    text TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    origin TEXT,
    person TEXT NOT NULL,
    created_at REAL NOT NULL,
    changed_at REAL NOT NULL
) STRICT;
CREATE INDEX notes_by_notebook ON notes (notebook_id, id);
CREATE INDEX notes_by_origin ON notes (origin) WHERE origin IS NOT NULL;

CREATE TABLE note_hashes (
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    info_hash TEXT NOT NULL,
    notebook_id INTEGER NOT NULL,
    outcome TEXT,
    task_id TEXT,
    at REAL,
    PRIMARY KEY (note_id, info_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_hashes_by_hash ON note_hashes (notebook_id, info_hash);

CREATE TABLE revisions (
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    cause TEXT NOT NULL,
    person TEXT NOT NULL,
    task_id TEXT,
    at REAL NOT NULL,
    PRIMARY KEY (note_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    v1 TEXT UNIQUE,
    v2 TEXT UNIQUE,
    raw_name BLOB NOT NULL,
    name TEXT NOT NULL,
    encoding TEXT NOT NULL,
    certain INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    source TEXT NOT NULL,
    size INTEGER NOT NULL,
    file_count INTEGER NOT NULL,
    first_seen REAL NOT NULL
) STRICT;
CREATE TABLE torrent_files (
    name_id INTEGER NOT NULL REFERENCES names ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (name_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    asked_by TEXT NOT NULL,
    cause TEXT NOT NULL,
    request TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    completed_at REAL
) STRICT;
CREATE INDEX tasks_live ON tasks (notebook_id, request_digest) WHERE state IN ('pending', 'running');
CREATE INDEX tasks_ended ON tasks (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE items (
    task_id TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE,
    position INTEGER NOT NULL,
    v1 TEXT,
    v2 TEXT,
    hints TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL,
    started_at REAL,
    ended_at REAL,
    code TEXT,
    parameters TEXT,
    corrected TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (task_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_v1 ON items (v1) WHERE state IN ('pending', 'running');
CREATE INDEX items_v2 ON items (v2) WHERE state IN ('pending', 'running');
CREATE INDEX items_live ON items (task_id, position) WHERE state IN ('pending', 'running');
CREATE INDEX items_ended ON items (task_id, ended_at) WHERE ended_at IS NOT NULL;

-- What was found is filed under the hashes of its bytes: any of the item's own leads to it.
CREATE VIEW item_rows AS
SELECT items.*, names.v1 AS found_v1, names.v2 AS found_v2, names.raw_name, names.name, names.encoding, names.certain,
    names.verified, names.source, names.size, names.file_count
FROM items LEFT JOIN names ON items.state = 'completed' AND names.id = (
    SELECT id FROM names AS one WHERE one.v1 = items.v1
    UNION ALL SELECT id FROM names AS other WHERE other.v2 = items.v2
    LIMIT 1
);

-- No reference to tasks: a follower outlives its task, so that Retry works from its request.
CREATE TABLE followers (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL,
    notebook_id INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    request TEXT NOT NULL,
    address TEXT NOT NULL,
    reply_to INTEGER,
    message_id INTEGER,
    language TEXT NOT NULL,
    shown_attempt INTEGER NOT NULL DEFAULT 0,
    shown_state TEXT,
    end_shown_at REAL,
    gone INTEGER NOT NULL DEFAULT 0,
    UNIQUE (address, message_id)
) STRICT;
CREATE INDEX followers_of_task ON followers (task_id);
CREATE INDEX followers_open ON followers (task_id) WHERE end_shown_at IS NULL;

CREATE TABLE answers (request_key TEXT PRIMARY KEY, answer TEXT NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX answers_at ON answers (at);

CREATE TABLE lookups (
    id INTEGER PRIMARY KEY,
    v1 TEXT,
    v2 TEXT,
    source TEXT,
    waited REAL NOT NULL,
    took REAL NOT NULL,
    outcome TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX lookups_at ON lookups (at);
