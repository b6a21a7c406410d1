-- name: verified_names
-- The name of a torrent that has every hash that was asked for.
SELECT asked.key AS place, names.* FROM json_each(:torrents) AS asked
JOIN names ON names.v1 = asked.value ->> 0 AND (asked.value ->> 1 IS NULL OR names.v2 = asked.value ->> 1)
WHERE names.verified = 1
UNION ALL
SELECT asked.key AS place, names.* FROM json_each(:torrents) AS asked
JOIN names ON names.v2 = asked.value ->> 1 AND asked.value ->> 0 IS NULL
WHERE names.verified = 1;

-- name: known_names
-- What is verified of a torrent that has every hash that was asked for; or what is claimed of exactly these.
WITH found AS (
    SELECT asked.key AS place, names.* FROM json_each(:torrents) AS asked
    JOIN names ON names.v1 = asked.value ->> 0 AND (asked.value ->> 1 IS NULL OR names.v2 = asked.value ->> 1)
    WHERE names.verified
    UNION ALL
    SELECT asked.key AS place, names.* FROM json_each(:torrents) AS asked
    JOIN names ON names.v2 = asked.value ->> 1 AND asked.value ->> 0 IS NULL
    WHERE names.verified
    UNION ALL
    SELECT asked.key AS place, names.* FROM json_each(:torrents) AS asked
    JOIN names ON coalesce(names.v1, '') = coalesce(asked.value ->> 0, '')
        AND coalesce(names.v2, '') = coalesce(asked.value ->> 1, '')
    WHERE NOT names.verified
)
SELECT found.place, found.raw_name, found.size, found.file_count, found.verified, found.source,
    coalesce(chosen.text, found.name) AS name, coalesce(chosen.encoding, found.encoding) AS encoding,
    found.certain OR chosen.name_id IS NOT NULL AS certain, chosen.name_id IS NOT NULL AS chosen
FROM found
LEFT JOIN chosen_names AS chosen ON chosen.name_id = found.id AND chosen.notebook_id = :notebook_id;

-- name: files_of
-- Of what is verified and has every hash that was asked for; or what is claimed of exactly these.
SELECT path, size FROM torrent_files
WHERE name_id = (
    SELECT id FROM names WHERE v1 = :v1 AND (:v2 IS NULL OR v2 = :v2) AND verified
    UNION ALL SELECT id FROM names WHERE v2 = :v2 AND :v1 IS NULL AND verified
    UNION ALL SELECT id FROM names
    WHERE coalesce(v1, '') = coalesce(:v1, '') AND coalesce(v2, '') = coalesce(:v2, '') AND NOT verified
    LIMIT 1
) AND position >= :skip
ORDER BY position LIMIT :limit;

-- name: claimed_name
SELECT * FROM names
WHERE coalesce(v1, '') = coalesce(:v1, '') AND coalesce(v2, '') = coalesce(:v2, '') AND NOT verified;

-- name: files_of_name
SELECT path, size FROM torrent_files WHERE name_id = :id ORDER BY position;

-- name: task_with_hash
-- Or with the other hash of a hybrid, where both were read from its own bytes.
WITH meant AS (
    SELECT :info_hash AS info_hash
    UNION SELECT v2 FROM names WHERE v1 = :info_hash AND verified AND v2 IS NOT NULL
    UNION SELECT v1 FROM names WHERE v2 = :info_hash AND verified AND v1 IS NOT NULL
)
SELECT 1 FROM tasks JOIN items ON items.task_id = tasks.id
WHERE tasks.notebook_id = :notebook_id
    AND (items.v1 IN (SELECT info_hash FROM meant) OR items.v2 IN (SELECT info_hash FROM meant))
LIMIT 1;

-- name: names_of
WITH known AS (
    SELECT asked.key AS place, names.id FROM json_each(:torrents) AS asked
    JOIN names ON names.v1 = asked.value ->> 0
    UNION
    SELECT asked.key AS place, names.id FROM json_each(:torrents) AS asked
    JOIN names ON names.v2 = asked.value ->> 1
)
SELECT known.place, names.id, names.verified, names.name, names.v1, names.v2,
    EXISTS (SELECT 1 FROM chosen_names WHERE name_id = names.id) AS chosen
FROM known JOIN names USING (id);

-- name: keep_replaced_claims
-- Where it was chosen; where a note was calibrated by it, whose tasks are kept no longer; and where a task told of it,
-- whatever its notes were tried again for since.
INSERT INTO replaced_claims (notebook_id, info_hash, text)
SELECT notebook_id, one.value, text FROM chosen_names
JOIN names ON names.id = name_id AND NOT verified
JOIN json_each(json_array(v1, v2)) AS one ON one.value IS NOT NULL
WHERE name_id = :id
UNION SELECT notebook_id, info_hash, name FROM names
CROSS JOIN note_hashes ON info_hash IN (v1, v2) AND outcome = 'completed'
WHERE names.id = :id AND NOT verified
UNION SELECT notebook_id, one.value, name FROM names
CROSS JOIN items ON items.state = 'completed' AND items.v1 = names.v1 AND +items.v2 IS names.v2
JOIN tasks ON tasks.id = task_id
JOIN json_each(json_array(names.v1, names.v2)) AS one ON one.value IS NOT NULL
WHERE names.id = :id AND NOT verified
UNION SELECT notebook_id, one.value, name FROM names
CROSS JOIN items ON items.state = 'completed' AND items.v2 = names.v2 AND +items.v1 IS names.v1
JOIN tasks ON tasks.id = task_id
JOIN json_each(json_array(names.v1, names.v2)) AS one ON one.value IS NOT NULL
WHERE names.id = :id AND NOT verified
ON CONFLICT DO NOTHING;

-- name: doubt_claimed_items
-- What stood in their notes was the claim, and that was left to people: of what is verified now it may not be so.
UPDATE items SET passed_over = 'unsure' FROM (
    SELECT task_id AS task, position AS place FROM names
    CROSS JOIN items AS one ON one.state = 'completed' AND one.v1 = names.v1 AND +one.v2 IS names.v2
    WHERE names.id = :id AND NOT verified
    UNION SELECT task_id, position FROM names
    CROSS JOIN items AS one ON one.state = 'completed' AND one.v2 = names.v2 AND +one.v1 IS names.v1
    WHERE names.id = :id AND NOT verified
) WHERE task_id = task AND position = place AND passed_over IS NULL AND corrected = '[]'
    AND EXISTS (SELECT 1 FROM tasks WHERE id = task_id AND json_type(request, '$.notes') IS NOT NULL);

-- name: reopen_claimed_notes
-- They have the claim, or a name from before it: they are yet to be calibrated. Not those that were never asked for, and
-- have the typed name of another info-hash of their link.
UPDATE note_hashes SET outcome = NULL
WHERE outcome = 'completed' AND info_hash IN (
        SELECT one.value FROM names JOIN json_each(json_array(v1, v2)) AS one WHERE names.id = :id AND NOT verified
    )
    AND (asked_at IS NOT NULL OR typed_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM pins WHERE note_id = note_hashes.note_id AND info_hash = note_hashes.info_hash);

-- name: replaced_claims
SELECT asked.key AS place, notebook_id, text FROM json_each(:torrents) AS asked
CROSS JOIN replaced_claims ON info_hash IN (asked.value ->> 0, asked.value ->> 1);

-- name: delete_name
DELETE FROM names WHERE id = :id;

-- name: insert_name
INSERT INTO names (v1, v2, raw_name, name, encoding, certain, verified, source, size, file_count, first_seen)
VALUES (:v1, :v2, :raw_name, :name, :encoding, :certain, :verified, :source, :size, :file_count, :first_seen)
RETURNING id;

-- name: insert_file
INSERT INTO torrent_files (name_id, position, path, size) VALUES (:name_id, :position, :path, :size);

-- name: keep_earlier_choice
-- What was chosen of a claim before may stand in notes, as what something verified replaces.
INSERT INTO replaced_claims (notebook_id, info_hash, text)
SELECT notebook_id, one.value, chosen_names.text FROM names
CROSS JOIN chosen_names ON name_id = names.id AND notebook_id = :notebook_id AND chosen_names.text <> :text
JOIN json_each(json_array(v1, v2)) AS one ON one.value IS NOT NULL
WHERE NOT verified AND (v1 = :v1 AND +v2 IS :v2 OR v2 = :v2 AND :v1 IS NULL AND +v1 IS NULL)
ON CONFLICT DO NOTHING;

-- name: choose_name
-- Nearly every torrent has no v2: to search by that (without the +) would be to read them all.
INSERT INTO chosen_names (notebook_id, name_id, text, encoding, person, at)
SELECT :notebook_id, id, :text, :encoding, :person, :at FROM names
WHERE v1 = :v1 AND +v2 IS :v2 OR v2 = :v2 AND :v1 IS NULL AND +v1 IS NULL
ON CONFLICT (notebook_id, name_id) DO UPDATE SET
    text = excluded.text, encoding = excluded.encoding, person = excluded.person, at = excluded.at;

-- name: chosen_names
SELECT asked.key AS place, chosen_names.*, names.raw_name FROM json_each(:torrents) AS asked
CROSS JOIN names ON names.v1 = asked.value ->> 0 AND +names.v2 IS asked.value ->> 1
JOIN chosen_names ON chosen_names.name_id = names.id
UNION
SELECT asked.key AS place, chosen_names.*, names.raw_name FROM json_each(:torrents) AS asked
CROSS JOIN names ON names.v2 = asked.value ->> 1 AND +names.v1 IS NULL AND asked.value ->> 0 IS NULL
JOIN chosen_names ON chosen_names.name_id = names.id;

-- name: insert_asked
INSERT INTO asked (person, lookups, at) VALUES (:person, :lookups, :at);

-- name: asked
SELECT at, lookups FROM asked WHERE person = :person AND at > :since ORDER BY at, id;

-- name: forget_asked
DELETE FROM asked WHERE at <= :before;
