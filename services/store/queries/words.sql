-- name: search_notes
SELECT rowid FROM note_words
WHERE note_words MATCH :query AND (:before IS NULL OR rowid < :before)
ORDER BY rowid DESC LIMIT :limit OFFSET :skip;

-- name: search_newer_notes
SELECT rowid FROM note_words WHERE note_words MATCH :query AND rowid > :after ORDER BY rowid LIMIT :limit;

-- name: note_texts
SELECT id, notebook_id, text FROM notes WHERE id IN (SELECT value FROM json_each(:ids)) AND deleted_at IS NULL;

-- name: names_in_notes
SELECT note_hashes.note_id, names.id AS name_id, names.name, names.v1, names.v2, names.verified FROM json_each(:ids) AS asked
JOIN note_hashes ON note_hashes.note_id = asked.value JOIN names ON names.v1 = note_hashes.info_hash
UNION
SELECT note_hashes.note_id, names.id AS name_id, names.name, names.v1, names.v2, names.verified FROM json_each(:ids) AS asked
JOIN note_hashes ON note_hashes.note_id = asked.value JOIN names ON names.v2 = note_hashes.info_hash;

-- name: first_files
SELECT name_id, path FROM torrent_files
WHERE name_id IN (SELECT value FROM json_each(:ids)) AND position < :most;

-- name: notes_with_hashes
SELECT DISTINCT note_id FROM note_hashes WHERE info_hash IN (SELECT value FROM json_each(:hashes));

-- name: forget_words
DELETE FROM note_words WHERE rowid IN (SELECT value FROM json_each(:ids));

-- name: insert_words
INSERT INTO note_words (rowid, notebook, words) VALUES (:id, :notebook, :words);

-- name: unindexed_notes
SELECT id FROM notes WHERE deleted_at IS NULL AND id NOT IN (SELECT rowid FROM note_words) LIMIT :limit;
