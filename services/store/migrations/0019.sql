-- What is claimed of a pair of hashes, of which nobody knows whether one torrent has both, and what is of either of them
-- stand side by side: before, the last one took away what had been found for the others. What is verified has each of its
-- hashes alone. A column is UNIQUE as long as its table is: so all of it is copied, with what refers to it.
DROP VIEW item_rows;
CREATE TABLE names_now (
    id INTEGER PRIMARY KEY,
    v1 TEXT,
    v2 TEXT,
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
INSERT INTO names_now SELECT * FROM names;
CREATE TABLE torrent_files_now (
    name_id INTEGER NOT NULL REFERENCES names_now ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (name_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO torrent_files_now SELECT * FROM torrent_files;
CREATE TABLE chosen_names_now (
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    name_id INTEGER NOT NULL REFERENCES names_now ON DELETE CASCADE,
    text TEXT NOT NULL,
    encoding TEXT NOT NULL,
    person TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (notebook_id, name_id)
) STRICT, WITHOUT ROWID;
INSERT INTO chosen_names_now SELECT * FROM chosen_names;
DROP TABLE torrent_files;
DROP TABLE chosen_names;
DROP TABLE names;
ALTER TABLE names_now RENAME TO names;
ALTER TABLE torrent_files_now RENAME TO torrent_files;
ALTER TABLE chosen_names_now RENAME TO chosen_names;
CREATE INDEX names_by_v1 ON names (v1);
CREATE INDEX names_by_v2 ON names (v2);
CREATE UNIQUE INDEX names_verified_by_v1 ON names (v1) WHERE verified;
CREATE UNIQUE INDEX names_verified_by_v2 ON names (v2) WHERE verified;
CREATE UNIQUE INDEX names_claimed ON names (coalesce(v1, ''), coalesce(v2, '')) WHERE NOT verified;
CREATE INDEX chosen_names_by_name ON chosen_names (name_id);

CREATE VIEW item_rows AS
SELECT items.*, names.v1 AS found_v1, names.v2 AS found_v2, names.raw_name, coalesce(chosen.text, names.name) AS name,
    coalesce(chosen.encoding, names.encoding) AS encoding, names.certain OR chosen.name_id IS NOT NULL AS certain,
    chosen.name_id IS NOT NULL AS chosen, names.verified, names.source, names.size, names.file_count
FROM items LEFT JOIN names ON items.state = 'completed' AND names.id = (
    SELECT id FROM names AS one WHERE one.v1 = items.v1 AND (items.v2 IS NULL OR one.v2 = items.v2) AND one.verified
    UNION ALL SELECT id FROM names AS other WHERE other.v2 = items.v2 AND items.v1 IS NULL AND other.verified
    UNION ALL SELECT id FROM names AS claimed
    WHERE coalesce(claimed.v1, '') = coalesce(items.v1, '') AND coalesce(claimed.v2, '') = coalesce(items.v2, '')
        AND NOT claimed.verified
    LIMIT 1
)
LEFT JOIN chosen_names AS chosen ON chosen.name_id = names.id
    AND chosen.notebook_id = (SELECT notebook_id FROM tasks WHERE tasks.id = items.task_id);

-- The names that notes were calibrated by while they were only claimed, and in whose place something verified came: where
-- people chose them notes may have them, else their own names still.
CREATE TABLE replaced_claims (
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    info_hash TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (notebook_id, info_hash, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_claims_by_hash ON replaced_claims (info_hash);
