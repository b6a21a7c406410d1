-- name: insert_note
INSERT INTO notes (notebook_id, text, origin, person, created_at, changed_at)
VALUES (:notebook_id, :text, :origin, :person, :created_at, :created_at)
RETURNING id;

-- name: insert_note_hash
INSERT INTO note_hashes (note_id, info_hash, notebook_id) VALUES (:note_id, :info_hash, :notebook_id)
ON CONFLICT DO NOTHING;

-- name: note
SELECT * FROM notes WHERE id = :id AND notebook_id = :notebook_id;

-- name: notes_having
SELECT asked.key AS place, notes.* FROM json_each(:torrents) AS asked
JOIN notes ON notes.id IN (
    SELECT note_id FROM note_hashes
    WHERE notebook_id = :notebook_id AND info_hash IN (asked.value ->> 0, asked.value ->> 1)
)
ORDER BY notes.id;

-- name: keep_revision
INSERT INTO revisions (note_id, version, text, cause, person, task_id, at)
SELECT id, version, text, :cause, :change_person, :task_id, :at FROM notes WHERE id = :id AND version = :expected;

-- name: replace_note_text
-- Compare and set: changes nothing if somebody wrote since we read.
UPDATE notes SET text = :text, version = version + 1, changed_at = :at WHERE id = :id AND version = :expected
RETURNING id;

-- name: mark_note_hashes
UPDATE note_hashes SET outcome = :outcome, task_id = :task_id, at = :at
WHERE notebook_id = :notebook_id AND info_hash IN (:v1, :v2);

-- name: mark_notes_with_both_hashes
UPDATE note_hashes SET outcome = :outcome, task_id = :task_id, at = :at
WHERE info_hash IN (:v1, :v2) AND note_id IN (
    SELECT note_id FROM note_hashes WHERE notebook_id = :notebook_id AND info_hash = :v1
    INTERSECT SELECT note_id FROM note_hashes WHERE notebook_id = :notebook_id AND info_hash = :v2
);

-- name: earlier_texts
SELECT text FROM revisions WHERE note_id = :note_id ORDER BY version;

-- name: door
SELECT notebook_id FROM doors WHERE door = :door;

-- name: insert_notebook
INSERT INTO notebooks (created_at) VALUES (:at) RETURNING id;

-- name: insert_door
INSERT INTO doors (door, notebook_id) VALUES (:door, :notebook_id);

-- name: owners
SELECT person FROM people WHERE role = 'owner' ORDER BY added_at, person;

-- name: add_owner
INSERT INTO people (person, role, added_at) VALUES (:person, 'owner', :at)
ON CONFLICT (person) DO UPDATE SET role = 'owner';
