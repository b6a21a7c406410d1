-- What lookups were to the notebooks whose tasks waited for them, each by what its own task saw of it: tasks are kept for an
-- hour, and figures tell of thirty days. waited: NULL where it is not known, as after a retry.
CREATE TABLE notebook_lookups (
    id INTEGER PRIMARY KEY,
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    source TEXT,
    waited REAL,
    took REAL NOT NULL,
    outcome TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX notebook_lookups_of ON notebook_lookups (notebook_id, at);
CREATE INDEX notebook_lookups_at ON notebook_lookups (at);
