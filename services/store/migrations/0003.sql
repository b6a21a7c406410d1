-- Which reading of a name, whose encoding nobody knows, people of a notebook say is right.
CREATE TABLE chosen_names (
    notebook_id INTEGER NOT NULL REFERENCES notebooks,
    name_id INTEGER NOT NULL REFERENCES names ON DELETE CASCADE,
    text TEXT NOT NULL,
    encoding TEXT NOT NULL,
    person TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (notebook_id, name_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chosen_names_by_name ON chosen_names (name_id);

-- The name that stood in a note, where it claimed something clearly different from the true one.
ALTER TABLE items ADD COLUMN was TEXT;

DROP VIEW item_rows;
CREATE VIEW item_rows AS
SELECT items.*, names.v1 AS found_v1, names.v2 AS found_v2, names.raw_name, coalesce(chosen.text, names.name) AS name,
    coalesce(chosen.encoding, names.encoding) AS encoding, names.certain OR chosen.name_id IS NOT NULL AS certain,
    chosen.name_id IS NOT NULL AS chosen, names.verified, names.source, names.size, names.file_count
FROM items LEFT JOIN names ON items.state = 'completed' AND names.id = (
    SELECT id FROM names AS one WHERE one.v1 = items.v1
    UNION ALL SELECT id FROM names AS other WHERE other.v2 = items.v2
    LIMIT 1
)
LEFT JOIN chosen_names AS chosen ON chosen.name_id = names.id
    AND chosen.notebook_id = (SELECT notebook_id FROM tasks WHERE tasks.id = items.task_id);
