-- name: insert_note
INSERT INTO notes (notebook_id, text, origin, person, created_at, changed_at, source)
VALUES (:notebook_id, :text, :origin, :person, :created_at, :created_at, :source)
RETURNING id;

-- name: insert_note_hash
INSERT INTO note_hashes (note_id, info_hash, notebook_id) VALUES (:note_id, :info_hash, :notebook_id)
ON CONFLICT DO NOTHING;

-- name: notes
SELECT * FROM notes
WHERE id IN (SELECT value FROM json_each(:ids)) AND notebook_id = :notebook_id AND deleted_at IS NULL
ORDER BY id;

-- name: whereabouts
SELECT id, notebook_id, version, deleted_at IS NOT NULL AS deleted FROM notes
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: select_numbered
SELECT id FROM notes
WHERE notebook_id = :notebook_id AND deleted_at IS NULL
    AND EXISTS (SELECT 1 FROM json_each(:ranges) WHERE notes.id BETWEEN value ->> 0 AND value ->> 1)
    AND EXISTS (SELECT 1 FROM note_hashes WHERE note_id = notes.id)
ORDER BY id LIMIT :limit;

-- name: select_uncalibrated
-- Those never tried, then those tried longest ago: else a thousand dead ones would be taken again and again. Each with
-- how many info-hashes it has that none before it has. CROSS: else the hashes of everybody's notes are read. What was
-- calibrated, and is to be again for what is known since, is not where somebody has typed a name since it was asked for.
WITH meant AS (
    SELECT id, row_number() OVER (
        ORDER BY (SELECT max(at) FROM note_hashes WHERE note_id = notes.id) NULLS FIRST, id
    ) AS place
    FROM notes
    WHERE notebook_id = :notebook_id AND deleted_at IS NULL AND EXISTS (
        SELECT 1 FROM note_hashes
        WHERE note_id = notes.id AND (
            :force OR (outcome IS NULL AND (typed_at >= asked_at) IS NOT TRUE) OR outcome IN ('failed', 'cancelled')
        )
    ) AND (SELECT count(*) FROM note_hashes WHERE note_id = notes.id) <= :most_torrents
    ORDER BY place LIMIT :limit
), firsts AS (
    SELECT min(place) AS place FROM meant CROSS JOIN note_hashes ON note_id = meant.id GROUP BY info_hash
)
SELECT meant.id, count(firsts.place) AS fresh
FROM meant LEFT JOIN firsts ON firsts.place = meant.place
GROUP BY meant.place ORDER BY meant.place;

-- name: select_latest
SELECT id FROM notes
WHERE notebook_id = :notebook_id AND deleted_at IS NULL AND EXISTS (SELECT 1 FROM note_hashes WHERE note_id = notes.id)
ORDER BY id DESC LIMIT :limit;

-- name: note_from_origin
SELECT * FROM notes WHERE origin = :origin AND deleted_at IS NULL ORDER BY id LIMIT 1;

-- name: deleted_note_from_origin
SELECT * FROM notes WHERE origin = :origin AND deleted_at IS NOT NULL ORDER BY id DESC LIMIT 1;

-- name: numbers_having
-- A hybrid answers to both of its hashes where both were read from its own bytes. CROSS: few are asked for, and a
-- notebook has many.
WITH asked AS (
    SELECT value AS info_hash FROM json_each(:hashes)
    UNION SELECT names.v2 FROM json_each(:hashes) JOIN names ON names.v1 = value WHERE names.verified
    UNION SELECT names.v1 FROM json_each(:hashes) JOIN names ON names.v2 = value WHERE names.verified
)
SELECT DISTINCT notes.id FROM asked
CROSS JOIN note_hashes ON note_hashes.notebook_id = :notebook_id AND note_hashes.info_hash = asked.info_hash
JOIN notes ON notes.id = note_hashes.note_id AND notes.deleted_at IS NULL
ORDER BY notes.id;

-- name: uncalibrated_among
SELECT DISTINCT note_id FROM note_hashes
WHERE note_id IN (SELECT value FROM json_each(:ids))
    AND ((outcome IS NULL AND (typed_at >= asked_at) IS NOT TRUE) OR outcome IN ('failed', 'cancelled'));

-- name: undecided_among
-- The first guesses of each; what is claimed of a pair where the note has both. NOT EXISTS: of a pair that is NOT IN all pairs of everybody are read, once a torrent.
WITH guesses AS (
    SELECT DISTINCT note_id, names.id AS name_id, dense_rank() OVER (PARTITION BY note_id ORDER BY names.id) AS place
    FROM note_hashes AS here JOIN names ON names.v1 = info_hash OR names.v2 = info_hash
    WHERE note_id IN (SELECT value FROM json_each(:ids)) AND NOT (certain AND verified)
        AND (outcome = 'completed' OR (outcome IS NULL AND typed_at >= asked_at))
        AND (
            verified OR v1 IS NULL OR v2 IS NULL OR EXISTS (
                SELECT 1 FROM note_hashes AS also
                WHERE also.note_id = here.note_id AND also.info_hash = iif(here.info_hash = v1, v2, v1)
            )
        )
        AND NOT EXISTS (SELECT 1 FROM pins WHERE note_id = here.note_id AND info_hash = here.info_hash)
        AND NOT EXISTS (SELECT 1 FROM chosen_names WHERE notebook_id = here.notebook_id AND name_id = names.id)
)
SELECT note_id, raw_name, name, encoding, certain, verified FROM guesses JOIN names ON names.id = name_id WHERE place <= :most;

-- name: page_of_notes
SELECT * FROM notes
WHERE notebook_id = :notebook_id AND deleted_at IS NULL AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit OFFSET :skip;

-- name: page_of_notes_after
SELECT * FROM notes WHERE notebook_id = :notebook_id AND deleted_at IS NULL AND id > :after ORDER BY id LIMIT :limit;

-- name: delete_note
UPDATE notes SET deleted_at = :at WHERE id = :id;

-- name: restore_note
UPDATE notes SET deleted_at = NULL WHERE id = :id AND notebook_id = :notebook_id AND deleted_at >= :since
RETURNING id;

-- name: note_put_away
SELECT id FROM notes WHERE id = :id AND notebook_id = :notebook_id AND deleted_at >= :since;

-- name: purge_notes
DELETE FROM notes WHERE deleted_at < :before;

-- name: delete_other_note_hashes
DELETE FROM note_hashes WHERE note_id = :note_id AND info_hash NOT IN (SELECT value FROM json_each(:hashes));

-- name: mark_typed
UPDATE note_hashes SET typed_at = :at WHERE note_id = :note_id AND info_hash IN (SELECT value FROM json_each(:hashes));

-- name: unshare_typed
UPDATE note_hashes SET outcome = NULL WHERE note_id = :note_id AND outcome = 'completed' AND asked_at IS NULL;

-- name: share_typed
UPDATE note_hashes AS here SET
    outcome = 'completed', task_id = typed.task_id, at = typed.at, typed_at = typed.typed_at, asked_at = NULL
FROM note_hashes AS typed
WHERE here.note_id = :note_id AND here.info_hash = :info_hash AND typed.note_id = :note_id AND typed.info_hash = :other
    AND (typed.outcome IS NULL OR typed.outcome = 'completed') AND typed.typed_at >= typed.asked_at
    AND (here.outcome IN ('failed', 'cancelled') OR (here.typed_at >= here.asked_at) IS NOT TRUE);

-- name: reopen_halves
UPDATE note_hashes AS here SET outcome = NULL
WHERE note_id = :note_id AND outcome = 'completed' AND (typed_at IS NULL OR typed_at < asked_at)
    AND NOT EXISTS (SELECT 1 FROM pins WHERE note_id = here.note_id AND info_hash = here.info_hash)
    AND EXISTS (SELECT 1 FROM names WHERE v1 = here.info_hash OR v2 = here.info_hash)
    AND NOT EXISTS (
        SELECT 1 FROM names WHERE (v1 = here.info_hash OR v2 = here.info_hash) AND (
            verified OR v1 IS NULL OR v2 IS NULL
            OR EXISTS (SELECT 1 FROM chosen_names WHERE notebook_id = here.notebook_id AND name_id = names.id)
            OR EXISTS (
                SELECT 1 FROM note_hashes AS also
                WHERE also.note_id = here.note_id AND also.info_hash = iif(here.info_hash = v1, v2, v1)
            )
        )
    );

-- name: notes_having
SELECT asked.key AS place, notes.* FROM json_each(:torrents) AS asked
JOIN notes ON notes.id IN (
    SELECT note_id FROM note_hashes
    WHERE notebook_id = :notebook_id AND info_hash IN (asked.value ->> 0, asked.value ->> 1)
)
WHERE notes.deleted_at IS NULL
ORDER BY notes.id;

-- name: notes_written_by
SELECT * FROM notes
WHERE id IN (SELECT note_id FROM revisions WHERE task_id = :task_id)
    AND notebook_id = :notebook_id AND deleted_at IS NULL
ORDER BY id;

-- name: pinned_notes
-- Those that have not the magnet any more, too. CROSS, twice: few are pinned, and a notebook has many notes, all of which
-- were read for each torrent.
SELECT DISTINCT asked.key AS place, pins.note_id FROM json_each(:torrents) AS asked
CROSS JOIN pins ON pins.info_hash IN (asked.value ->> 0, asked.value ->> 1)
CROSS JOIN notes ON notes.id = pins.note_id AND notes.notebook_id = :notebook_id;

-- name: insert_pin
INSERT INTO pins (note_id, info_hash, at) VALUES (:note_id, :info_hash, :at) ON CONFLICT DO NOTHING;

-- name: delete_pin
DELETE FROM pins WHERE note_id = :note_id AND info_hash = :info_hash;

-- name: delete_pins
DELETE FROM pins WHERE note_id = :note_id;

-- name: extend_revision
-- What a task itself writes into a note, one name after another, is one change: of a list of thousands of links each
-- name would keep the whole text.
UPDATE revisions SET version = :expected, at = :at
WHERE note_id = :id AND version = :expected - 1 AND task_id = :task_id AND cause = :cause AND person = :change_person
    AND cause NOT IN (SELECT value FROM json_each(:others))
    AND EXISTS (SELECT 1 FROM notes WHERE id = :id AND version = :expected)
RETURNING version;

-- name: keep_revision
INSERT INTO revisions (note_id, version, text, cause, person, task_id, at, apart)
SELECT id, version, text, :cause, :change_person, :task_id, :at, :apart FROM notes WHERE id = :id AND version = :expected;

-- name: replace_note_text
-- Compare and set: changes nothing if somebody wrote since we read.
UPDATE notes SET text = :text, version = version + 1, changed_at = :at WHERE id = :id AND version = :expected
RETURNING id;

-- name: mark_note_hashes
-- Not those of a deleted note: nothing is written there, so when it is taken back it is yet to be calibrated. What was
-- asked for later may have been found before.
UPDATE note_hashes SET outcome = :outcome, task_id = :task_id, at = :at,
    asked_at = coalesce(max(asked_at, :asked_at), :asked_at, asked_at)
WHERE notebook_id = :notebook_id AND info_hash IN (:v1, :v2)
    AND (:notes IS NULL OR note_id IN (SELECT value FROM json_each(:notes)))
    AND EXISTS (SELECT 1 FROM notes WHERE id = note_id AND deleted_at IS NULL);

-- name: mark_notes_with_both_hashes
UPDATE note_hashes SET outcome = :outcome, task_id = :task_id, at = :at
WHERE info_hash IN (:v1, :v2) AND note_id IN (
    SELECT note_id FROM note_hashes WHERE notebook_id = :notebook_id AND info_hash = :v1
    INTERSECT SELECT note_id FROM note_hashes WHERE notebook_id = :notebook_id AND info_hash = :v2
);

-- name: revisions
SELECT * FROM revisions WHERE note_id = :note_id ORDER BY version;

-- name: count_steps
SELECT count(*) AS steps FROM revisions WHERE note_id = :note_id AND cause <> 'carried';

-- name: last_cause
SELECT cause FROM revisions INDEXED BY revisions_by_cause WHERE note_id = :note_id ORDER BY version DESC LIMIT 1;

-- name: page_of_steps
-- INDEXED BY: else the cause of what was carried is looked up in its row, behind its whole text.
SELECT revisions.version + EXISTS (
        SELECT 1 FROM revisions AS following INDEXED BY revisions_by_cause
        WHERE note_id = :note_id AND version = revisions.version + 1 AND cause = 'carried'
    ) AS version, text, cause, person, task_id, at, apart
FROM revisions
WHERE note_id = :note_id AND version IN (
    SELECT version FROM revisions WHERE note_id = :note_id AND cause <> 'carried'
    ORDER BY version DESC LIMIT :limit OFFSET :skip
)
ORDER BY revisions.version;

-- name: door
-- What was written in a group just before it became a supergroup may come after the word of that.
SELECT notebook_id FROM doors WHERE door = coalesce((SELECT became FROM moved WHERE moved.door = :door), :door);

-- name: insert_notebook
INSERT INTO notebooks (created_at) VALUES (:at) RETURNING id;

-- name: insert_door
INSERT INTO doors (door, notebook_id)
VALUES (coalesce((SELECT became FROM moved WHERE moved.door = :door), :door), :notebook_id);

-- name: move_door
-- Where there are notes behind both doors the new one keeps its own, deleted ones too: people have gone on with those,
-- and tasks under way, pins and choices belong to one notebook. The old notebook stays, but nothing leads to it.
INSERT INTO doors (door, notebook_id, language) SELECT :became, notebook_id, language FROM doors WHERE door = :door
ON CONFLICT (door) DO UPDATE SET
    notebook_id = excluded.notebook_id, language = coalesce(doors.language, excluded.language)
WHERE NOT EXISTS (SELECT 1 FROM notes WHERE notes.notebook_id = doors.notebook_id)
RETURNING notebook_id;
