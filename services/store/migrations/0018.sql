-- For a note's history in pages: whatever stands behind a text in its row is read through all of that text.
CREATE INDEX revisions_by_cause ON revisions (note_id, version, cause);
