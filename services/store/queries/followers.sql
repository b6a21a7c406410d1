-- name: insert_follower
-- A message that becomes another task's follows that one alone.
INSERT INTO followers (task_id, notebook_id, asked_by, request, address, reply_to, message_id, language, alone)
VALUES (:task_id, :notebook_id, :asked_by, :request, :address, :reply_to, :message_id, :language, :alone)
ON CONFLICT (address, message_id) DO UPDATE SET
    task_id = :task_id, notebook_id = :notebook_id, asked_by = :asked_by, request = :request, language = :language,
    shown_attempt = 0, shown_state = NULL, end_shown_at = NULL, gone = 0, failed_page = NULL,
    board_id = NULL, alone = :alone
RETURNING id;

-- name: follower
SELECT * FROM followers WHERE id = :id;

-- name: follower_at
SELECT * FROM followers WHERE address = :address AND message_id = :message_id;

-- name: followers_of
SELECT * FROM followers WHERE task_id IN (SELECT value FROM json_each(:task_ids)) ORDER BY id;

-- name: unfinished_followers
SELECT * FROM followers WHERE end_shown_at IS NULL ORDER BY id;

-- name: forget_adopted_twin
-- A card can be pressed, and adopted, before the answer to sendMessage has told its follower which message it is.
DELETE FROM followers
WHERE address = :address AND message_id = :message_id AND task_id = :task_id AND id <> :id;

-- name: yield_to_adopter
-- The message has become another task's meanwhile: that one keeps it.
DELETE FROM followers
WHERE id = :id AND EXISTS (
    SELECT 1 FROM followers AS other
    WHERE other.address = :address AND other.message_id = :message_id AND other.id <> :id
);

-- name: follower_shown
-- One whose own message has come to show the end needs no board.
UPDATE followers SET message_id = :message_id, shown_attempt = :attempt, shown_state = :state,
    end_shown_at = :end_shown_at, gone = 0, board_id = iif(:end_shown_at IS NULL, board_id, NULL)
WHERE id = :id AND task_id = :task_id AND address = :address;

-- name: forget_told_followers
-- All but those of tasks under way, and those that have not shown the end yet. Who is to show it once more has shown it;
-- a board shows how many have ended before it tells who.
DELETE FROM followers WHERE address = :address AND NOT EXISTS (
    SELECT 1 FROM tasks WHERE tasks.id = task_id AND (
        state IN ('pending', 'running')
        OR end_shown_at IS NULL AND (board_id IS NOT NULL OR (shown_state, shown_attempt) IS NOT (state, attempt))
    )
);

-- name: move_followers
-- Those of a board that stayed behind stand alone again.
UPDATE followers SET address = :became, message_id = NULL, reply_to = NULL, end_shown_at = NULL,
    board_id = (SELECT id FROM boards WHERE boards.id = board_id)
WHERE address = :address
RETURNING *;

-- name: follower_gone
-- With an end there is nothing more to show: a press there must find it as this one, not as nobody's.
UPDATE followers SET end_shown_at = :end_shown_at,
    message_id = CASE WHEN :end_shown_at IS NULL THEN NULL ELSE message_id END,
    gone = CASE WHEN :end_shown_at IS NULL THEN 1 ELSE gone END
WHERE id = :id AND task_id = :task_id;

-- name: forget_followers
DELETE FROM followers WHERE end_shown_at < :before;

-- name: forget_followers_at
-- Of a closed place those whose tasks are kept no longer: there is nothing left to show there.
DELETE FROM followers WHERE (address = :address OR :whole AND address GLOB :address || ':*')
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = task_id);

-- name: places_closed_before
SELECT address, whole FROM closed_places WHERE at < :before;

-- name: forget_place
DELETE FROM closed_places WHERE address = :address AND whole = :whole AND NOT EXISTS (
    SELECT 1 FROM followers
    WHERE (address = :address OR :whole AND address GLOB :address || ':*') AND end_shown_at IS NULL
);

-- name: closed_places
SELECT address, whole FROM closed_places;

-- name: close_place
INSERT INTO closed_places (address, whole, at) VALUES (:address, :whole, :at) ON CONFLICT DO NOTHING;

-- name: open_place
DELETE FROM closed_places WHERE address = :address AND whole = :whole;

-- name: followers_again
-- A board tells an end once.
UPDATE followers SET end_shown_at = NULL, failed_page = NULL, renewed = renewed + 1
WHERE task_id = :task_id AND board_id IS NULL;

-- name: forget_closed_twins
-- Of several on one closed board all but the last: it was one line there.
DELETE FROM followers WHERE task_id = :task_id AND message_id IS NULL AND EXISTS (
    SELECT 1 FROM followers AS twin JOIN boards ON boards.id = twin.board_id AND closed_at IS NOT NULL
    WHERE twin.board_id = followers.board_id AND twin.task_id = followers.task_id AND twin.id > followers.id
);

-- name: boards_left
-- What a closed board shows of a task that goes on is not so any more.
UPDATE boards SET behind = 1 WHERE closed_at IS NOT NULL AND message_id IS NOT NULL
    AND id IN (SELECT board_id FROM followers WHERE task_id = :task_id);

-- name: revive_followers
-- Those of a board that was closed stand alone again.
UPDATE followers SET end_shown_at = NULL, failed_page = NULL, renewed = renewed + 1,
    board_id = (SELECT id FROM boards WHERE boards.id = board_id AND closed_at IS NULL)
WHERE task_id = :task_id
RETURNING address;

-- name: leaving_followers
SELECT * FROM followers WHERE board_id IS NOT NULL AND message_id IS NOT NULL ORDER BY id;

-- name: left_message
UPDATE followers SET message_id = NULL WHERE id = :id AND message_id = :message_id AND board_id IS NOT NULL;

-- name: renew_followers
-- Of the tasks that wrote into the note, those that tell of a torrent of it, by any of its hashes, where something verified
-- has replaced a claim there, and those that show what was not found in it. What is on its way is not the last word; who
-- rests without an end goes on so.
WITH here AS (
    SELECT notebook_id FROM notes
    WHERE id = :note_id AND EXISTS (SELECT 1 FROM replaced_claims WHERE notebook_id = notes.notebook_id)
), hashes AS MATERIALIZED (
    SELECT info_hash FROM here CROSS JOIN note_hashes ON note_id = :note_id
    UNION SELECT v2 FROM here CROSS JOIN note_hashes ON note_id = :note_id CROSS JOIN names ON v1 = info_hash AND verified
    UNION SELECT v1 FROM here CROSS JOIN note_hashes ON note_id = :note_id CROSS JOIN names ON v2 = info_hash AND verified
), claimed AS MATERIALIZED (
    SELECT notebook_id FROM here CROSS JOIN hashes CROSS JOIN replaced_claims USING (notebook_id, info_hash) LIMIT 1
)
UPDATE followers SET renewed = renewed + 1,
    end_shown_at = CASE WHEN shown_state IN ('completed', 'failed', 'cancelled') THEN NULL ELSE end_shown_at END
WHERE board_id IS NULL AND (
    task_id IN (
        SELECT task_id FROM revisions WHERE note_id = :note_id AND task_id IS NOT NULL
        UNION ALL
        SELECT tasks.id FROM claimed CROSS JOIN hashes
        CROSS JOIN items ON items.v1 = info_hash AND items.state = 'completed'
        JOIN tasks ON tasks.id = items.task_id AND tasks.notebook_id = claimed.notebook_id
        UNION ALL
        SELECT tasks.id FROM claimed CROSS JOIN hashes
        CROSS JOIN items ON items.v2 = info_hash AND items.state = 'completed'
        JOIN tasks ON tasks.id = items.task_id AND tasks.notebook_id = claimed.notebook_id
    )
    OR id IN (
        SELECT turned.id FROM followers AS turned JOIN notes ON notes.id = :note_id
        WHERE turned.failed_page IS NOT NULL AND turned.notebook_id = notes.notebook_id
            AND :note_id IN (SELECT value FROM json_each(turned.request, '$.notes'))
    )
);

-- name: renew_followers_of
UPDATE followers SET renewed = renewed + 1,
    end_shown_at = CASE WHEN shown_state IN ('completed', 'failed', 'cancelled') THEN NULL ELSE end_shown_at END
WHERE board_id IS NULL AND task_id IN (SELECT value FROM json_each(:task_ids));

-- name: followers_behind
-- Those of the ended tasks of these notes' notebooks that have an end to show, once more or still: see renew_followers.
SELECT followers.* FROM followers JOIN tasks ON tasks.id = followers.task_id
WHERE end_shown_at IS NULL AND board_id IS NULL AND tasks.completed_at IS NOT NULL
    AND followers.notebook_id IN (SELECT notebook_id FROM notes WHERE id IN (SELECT value FROM json_each(:notes)))
ORDER BY followers.id;

-- name: turn_follower
UPDATE followers SET end_shown_at = NULL, failed_page = :failed_page, renewed = renewed + 1 WHERE id = :id;

-- name: answer
SELECT answer FROM answers WHERE request_key = :key;

-- name: insert_answer
INSERT INTO answers (request_key, answer, at) VALUES (:key, :answer, :at);

-- name: forget_answers
DELETE FROM answers WHERE at < :before;

-- name: next_boot
INSERT INTO counters (name, value) VALUES ('boots', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1
RETURNING value;
