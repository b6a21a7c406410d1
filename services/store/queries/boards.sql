-- name: crowd
-- How many at an address have an end to show that they have not shown, or are on their way to one; but for those of a
-- board that takes no more.
SELECT count(*) AS many, min(alone) AS alone FROM followers JOIN tasks ON tasks.id = task_id
WHERE address = :address AND end_shown_at IS NULL AND alone IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM boards WHERE boards.id = board_id AND closed_at IS NOT NULL)
    AND (completed_at IS NULL OR (shown_attempt, shown_state) IS NOT (attempt, state));

-- name: open_board
INSERT INTO boards (address, language, reply_to)
SELECT address, language, reply_to FROM followers WHERE address = :address AND end_shown_at IS NULL
ORDER BY id DESC LIMIT 1
ON CONFLICT (address) WHERE closed_at IS NULL DO NOTHING;

-- name: gather_crowd
-- The same as in crowd; but a card that asks which reading of a name is right, while the others are looked for, stays:
-- who is about to press would lose the buttons.
UPDATE followers SET board_id = (SELECT id FROM boards WHERE address = :address AND closed_at IS NULL)
WHERE address = :address AND end_shown_at IS NULL AND board_id IS NULL AND alone IS NOT NULL AND EXISTS (
    SELECT 1 FROM tasks WHERE tasks.id = task_id
        AND (completed_at IS NULL OR (shown_attempt, shown_state) IS NOT (attempt, state))
) AND NOT EXISTS (
    SELECT 1 FROM item_rows WHERE item_rows.task_id = followers.task_id AND ended_at IS NOT NULL
        AND NOT (certain AND (verified OR chosen))
);

-- name: board
SELECT * FROM boards WHERE id = :id;

-- name: board_at
SELECT * FROM boards WHERE address = :address AND message_id = :message_id;

-- name: open_boards
SELECT * FROM boards WHERE closed_at IS NULL OR behind ORDER BY id;

-- name: boards_behind
SELECT * FROM boards WHERE behind ORDER BY id;

-- name: board_lines
-- Of a task that is kept no longer what was shown last, if that was an end. One that a crash put back to pending is shown
-- as running.
SELECT followers.id, task_id, followers.asked_by, reply_to, message_id, language, end_shown_at, shown_attempt,
    shown_state, tasks.id IS NULL AS forgotten, completed_at, iif(attempt = 1, created_at, started_at) AS asked_at,
    CASE
        WHEN state = 'pending' AND started_at IS NOT NULL THEN 'running'
        WHEN state IS NOT NULL THEN state
        WHEN shown_state IN ('completed', 'failed') THEN shown_state
        ELSE 'cancelled'
    END AS state,
    coalesce(attempt, shown_attempt) AS attempt, state IN ('failed', 'cancelled') AS can_retry,
    completed_at IS NOT NULL AND end_shown_at IS NULL AND EXISTS (
        SELECT 1 FROM item_rows
        WHERE item_rows.task_id = tasks.id AND (position > 0 OR ended_at IS NOT NULL
        AND (passed_over = 'unsure' OR NOT (certain AND (verified OR chosen))))
    ) AS needs_card
FROM followers LEFT JOIN tasks ON tasks.id = task_id
WHERE board_id = :id
ORDER BY followers.id;

-- name: put_up_board
-- One that takes no more is behind until all its ends were told: what tells the last of them is another message.
UPDATE boards SET message_id = :message_id, behind = closed_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM followers WHERE board_id = :id AND end_shown_at IS NULL
)
WHERE id = :id AND address = :address;

-- name: take_down_board
UPDATE boards SET message_id = NULL, behind = 0 WHERE id = :id;

-- name: board_behind
UPDATE boards SET behind = 1 WHERE id = :id AND message_id IS NOT NULL;

-- name: close_board
-- Unless somebody has an end to come.
UPDATE boards SET closed_at = :at
WHERE id = :id AND closed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM followers WHERE board_id = :id AND end_shown_at IS NULL);

-- name: line_shown
-- Unless a retry has overtaken it.
UPDATE followers SET shown_attempt = :attempt, shown_state = :state, end_shown_at = coalesce(:end_shown_at, end_shown_at)
WHERE id = :id AND board_id = :board AND task_id = :task_id
    AND :attempt = coalesce((SELECT attempt FROM tasks WHERE tasks.id = :task_id), :attempt);

-- name: take_off_board
UPDATE followers SET board_id = NULL, alone = NULL
WHERE board_id = :id AND end_shown_at IS NULL AND id IN (SELECT value FROM json_each(:followers));

-- name: set_boards_apart
-- What is asked for once a place is open again has no room far above, on a board of before.
UPDATE boards SET closed_at = :at, behind = message_id IS NOT NULL
WHERE closed_at IS NULL AND (address = :address OR :whole AND address GLOB :address || ':*');

-- name: turn_board
UPDATE boards SET page = :page WHERE id = :id;

-- name: ask_on_board
UPDATE boards SET asking = :asking WHERE id = :id;

-- name: forget_boards
DELETE FROM boards WHERE closed_at < :before
    AND NOT EXISTS (SELECT 1 FROM followers WHERE board_id = boards.id AND end_shown_at IS NULL);

-- name: move_lines
-- To the board that is open where their own one would go.
UPDATE followers SET board_id = (SELECT id FROM boards WHERE address = :became AND closed_at IS NULL)
WHERE board_id IN (SELECT id FROM boards WHERE address = :address AND closed_at IS NULL)
    AND EXISTS (SELECT 1 FROM boards WHERE address = :became AND closed_at IS NULL);

-- name: move_board
-- Its message stays behind. One whose lines have gone to another board has nothing more to show.
UPDATE boards SET address = :became, message_id = NULL, reply_to = NULL, behind = 0
WHERE address = :address AND closed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM boards AS other WHERE other.address = :became AND other.closed_at IS NULL);

-- name: leave_boards
-- Closed ones too: their messages are out of reach, and who would show one anew was sent back to the old place for ever.
DELETE FROM boards WHERE address = :address;
