-- name: insert_task
INSERT INTO tasks (id, notebook_id, asked_by, cause, request, request_digest, state, attempt, created_at, started_at, completed_at)
VALUES (:id, :notebook_id, :asked_by, :cause, :request, :request_digest, :state, :attempt, :created_at, :started_at, :completed_at);

-- name: tasks
SELECT tasks.* FROM json_each(:ids) AS asked JOIN tasks ON tasks.id = asked.value;

-- name: replace_task
UPDATE tasks SET state = :state, attempt = :attempt, started_at = :started_at, completed_at = :completed_at
WHERE id = :id;

-- name: live_twin
SELECT * FROM tasks
WHERE notebook_id = :notebook_id AND request_digest = :request_digest AND asked_by = :asked_by
    AND state IN ('pending', 'running')
LIMIT 1;

-- name: unended_tasks
SELECT * FROM tasks WHERE state IN ('pending', 'running') ORDER BY created_at, rowid;

-- name: tasks_under_way
SELECT count(*) AS many FROM tasks WHERE asked_by = :asked_by AND state IN ('pending', 'running');

-- name: live_tasks
-- The first of them, those at work before those that wait, or the newest; many: how many there are.
SELECT id, count(*) OVER () AS many FROM tasks
WHERE state IN ('pending', 'running')
    AND (:notebook_id IS NULL OR notebook_id = :notebook_id) AND (:asked_by IS NULL OR asked_by = :asked_by)
    AND (:note_id IS NULL OR :note_id IN (SELECT value FROM json_each(request, '$.notes')))
ORDER BY CASE WHEN :newest THEN -rowid ELSE state = 'pending' END, created_at, rowid LIMIT :limit;

-- name: live_items
SELECT state, count(*) AS many FROM items WHERE state IN ('pending', 'running') GROUP BY state;

-- name: live_items_of
SELECT items.state, count(*) AS many
FROM json_each(:notebooks) AS asked
CROSS JOIN tasks ON tasks.notebook_id = asked.value AND tasks.state IN ('pending', 'running')
CROSS JOIN items INDEXED BY items_live ON items.task_id = tasks.id AND items.state IN ('pending', 'running')
GROUP BY items.state;

-- name: recent_tasks
SELECT id FROM tasks WHERE state IN ('pending', 'running') OR completed_at >= :since ORDER BY created_at, rowid;

-- name: ended_tasks_of
SELECT id FROM tasks WHERE completed_at >= :since AND notebook_id = :notebook_id
    AND (:note_id IS NULL OR :note_id IN (SELECT value FROM json_each(request, '$.notes')))
ORDER BY completed_at DESC, rowid DESC LIMIT :limit;

-- name: tasks_with_unshown_end
SELECT DISTINCT tasks.id FROM followers JOIN tasks ON tasks.id = followers.task_id
WHERE followers.end_shown_at IS NULL AND tasks.completed_at IS NOT NULL
ORDER BY tasks.completed_at;

-- name: delete_ended_tasks
DELETE FROM tasks
WHERE completed_at < :before
    AND (
        completed_at < :unshown_before
        OR NOT EXISTS (
            SELECT 1 FROM followers WHERE followers.task_id = tasks.id
                -- or its own message is still to say that a board shows it
                AND (followers.end_shown_at IS NULL OR board_id IS NOT NULL AND message_id IS NOT NULL)
        )
    )
RETURNING id;

-- name: insert_item
INSERT INTO items (task_id, position, v1, v2, hints, state, attempt)
VALUES (:task_id, :position, :v1, :v2, :hints, :state, :attempt);

-- name: items
SELECT * FROM item_rows
WHERE task_id = :task_id AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
ORDER BY position LIMIT :limit OFFSET :offset;

-- name: unended_items
SELECT * FROM item_rows
WHERE task_id = :task_id AND position >= :place AND state IN ('pending', 'running')
ORDER BY position LIMIT :limit;

-- name: named_items
SELECT * FROM item_rows
WHERE task_id = :task_id AND position >= :place AND state = 'pending' AND (
    EXISTS (SELECT 1 FROM names AS one WHERE one.v1 = item_rows.v1 AND one.verified)
    OR EXISTS (SELECT 1 FROM names AS other WHERE other.v2 = item_rows.v2 AND other.verified)
)
ORDER BY position LIMIT :limit;

-- name: items_at
SELECT item_rows.* FROM json_each(:keys) AS asked
JOIN item_rows ON item_rows.task_id = asked.value ->> 0 AND item_rows.position = asked.value ->> 1;

-- name: outcomes
SELECT * FROM item_rows
WHERE task_id = :task_id AND ended_at IS NOT NULL
ORDER BY ended_at DESC, position DESC LIMIT :limit;

-- name: guesses
SELECT * FROM item_rows
WHERE task_id = :task_id AND ended_at IS NOT NULL AND NOT (certain AND (verified OR chosen))
ORDER BY ended_at DESC, position DESC LIMIT :limit;

-- name: overtaken
SELECT * FROM item_rows
WHERE task_id = :task_id AND position >= :place AND ended_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM replaced_claims
    WHERE notebook_id = (SELECT notebook_id FROM tasks WHERE id = :task_id) AND info_hash IN (item_rows.v1, item_rows.v2)
)
ORDER BY position LIMIT :limit;

-- name: replaced_from
SELECT * FROM item_rows
WHERE task_id = :task_id AND position >= :place AND ended_at IS NOT NULL
    AND was IS NOT NULL AND was <> name AND certain AND EXISTS (
    SELECT 1 FROM json_each(corrected) AS note
    WHERE note.value IN (SELECT value FROM json_each(:notes))
        AND NOT EXISTS (SELECT 1 FROM pins WHERE note_id = note.value AND info_hash IN (found_v1, found_v2))
)
ORDER BY position LIMIT :limit;

-- name: replaced_before
SELECT * FROM item_rows
WHERE task_id = :task_id AND position < :place AND ended_at IS NOT NULL
    AND was IS NOT NULL AND was <> name AND certain AND EXISTS (
    SELECT 1 FROM json_each(corrected) AS note
    WHERE note.value IN (SELECT value FROM json_each(:notes))
        AND NOT EXISTS (SELECT 1 FROM pins WHERE note_id = note.value AND info_hash IN (found_v1, found_v2))
)
ORDER BY position DESC LIMIT :limit;

-- name: replace_item
UPDATE items SET hints = :hints, state = :state, attempt = :attempt, asked_again_at = :asked_again_at,
    started_at = :started_at, ended_at = :ended_at, code = :code, parameters = :parameters, corrected = :corrected,
    passed_over = :passed_over, was = :was
WHERE task_id = :task_id AND position = :position;

-- name: tasks_with_unended_item
SELECT asked.value AS id FROM json_each(:ids) AS asked
WHERE EXISTS (SELECT 1 FROM items INDEXED BY items_live WHERE task_id = asked.value AND state IN ('pending', 'running'));

-- name: item_counts
SELECT task_id, state, count(*) AS many FROM items WHERE task_id IN (SELECT value FROM json_each(:ids))
GROUP BY task_id, state;

-- name: notes_written
-- In which notes what a task wrote is the last change, in how many its undoing is, and of these that of the whole.
-- What came later and was taken back is none: the text is as the task has left it, nobody edited it, and what was done
-- last upon what stands is a taking back. Where another task has written since, see written_apart.
SELECT mine.task_id,
    json_group_array(mine.note_id) FILTER (WHERE mine.cause NOT IN ('undo', 'undo_task', 'kept_all')) AS standing,
    sum(mine.cause IN ('undo', 'undo_task')) AS undone, sum(mine.cause = 'undo_task') AS as_one
FROM json_each(:ids) AS asked JOIN revisions AS mine ON mine.task_id = asked.value
JOIN notes ON notes.id = mine.note_id AND notes.deleted_at IS NULL
WHERE mine.cause <> 'carried'
    AND mine.version = (SELECT max(version) FROM revisions WHERE note_id = mine.note_id AND task_id = mine.task_id)
    AND NOT EXISTS (
        SELECT 1 FROM revisions WHERE note_id = mine.note_id AND version > mine.version AND cause = 'edit'
    )
    AND notes.text = coalesce(
        (
            SELECT text FROM revisions WHERE note_id = mine.note_id AND version > mine.version ORDER BY version LIMIT 1
        ), notes.text
    )
    AND (
        mine.cause IN ('undo', 'undo_task', 'kept_all') OR NOT EXISTS (
            SELECT 1 FROM revisions WHERE note_id = mine.note_id AND version > mine.version
        )
    )
GROUP BY mine.task_id;

-- name: written_apart
-- Where something of a task's may stand though others have written: upon it, what they have taken back; or between two
-- of its own, of which it has taken back the later.
SELECT mine.task_id, mine.note_id
FROM json_each(:ids) AS asked JOIN revisions AS mine ON mine.task_id = asked.value
JOIN notes ON notes.id = mine.note_id AND notes.deleted_at IS NULL
WHERE mine.cause NOT IN ('undo', 'undo_task', 'kept_all', 'carried')
    AND mine.version = (SELECT max(version) FROM revisions WHERE note_id = mine.note_id AND task_id = mine.task_id)
    AND NOT EXISTS (
        SELECT 1 FROM revisions WHERE note_id = mine.note_id AND version > mine.version AND cause = 'edit'
    )
    AND notes.text = (
        SELECT text FROM revisions WHERE note_id = mine.note_id AND version > mine.version ORDER BY version LIMIT 1
    )
UNION ALL
SELECT mine.task_id, mine.note_id
FROM json_each(:ids) AS asked JOIN revisions AS mine ON mine.task_id = asked.value
JOIN notes ON notes.id = mine.note_id AND notes.deleted_at IS NULL
WHERE mine.cause IN ('undo', 'undo_task', 'kept_all')
    AND mine.version = (SELECT max(version) FROM revisions WHERE note_id = mine.note_id AND task_id = mine.task_id)
    AND EXISTS (
        SELECT 1 FROM revisions AS first JOIN revisions AS other
            ON other.note_id = first.note_id AND other.version > first.version AND other.task_id IS NOT first.task_id
        WHERE first.note_id = mine.note_id AND first.task_id = mine.task_id AND other.version < mine.version
    )
    AND notes.text <> coalesce(
        (
            SELECT text FROM revisions WHERE note_id = mine.note_id AND version > mine.version ORDER BY version LIMIT 1
        ), notes.text
    );

-- name: items_found_in
WITH told AS (
    SELECT task_id, position FROM items WHERE state = 'completed' AND v1 = :v1
    UNION SELECT task_id, position FROM items WHERE state = 'completed' AND v2 = :v2
)
SELECT item_rows.* FROM told CROSS JOIN item_rows USING (task_id, position) JOIN tasks ON tasks.id = task_id
WHERE tasks.notebook_id = :notebook_id ORDER BY tasks.created_at, tasks.rowid, position;

-- name: items_waiting
-- Only those each of whose hashes is the torrent's: a magnet with a foreign second hash is not answered by it.
SELECT asked.key AS place, item_rows.* FROM json_each(:torrents) AS asked JOIN item_rows
    ON state IN ('pending', 'running') AND v1 = asked.value ->> 0 AND (v2 IS NULL OR v2 = asked.value ->> 1)
UNION ALL
SELECT asked.key AS place, item_rows.* FROM json_each(:torrents) AS asked JOIN item_rows
    ON state IN ('pending', 'running') AND v2 = asked.value ->> 1 AND v1 IS NULL;
