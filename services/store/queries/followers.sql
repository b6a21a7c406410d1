-- name: insert_follower
-- A message that becomes another task's follows that one alone.
INSERT INTO followers (task_id, notebook_id, asked_by, request, address, reply_to, message_id, language)
VALUES (:task_id, :notebook_id, :asked_by, :request, :address, :reply_to, :message_id, :language)
ON CONFLICT (address, message_id) DO UPDATE SET
    task_id = :task_id, notebook_id = :notebook_id, asked_by = :asked_by, request = :request, language = :language,
    shown_attempt = 0, shown_state = NULL, end_shown_at = NULL, gone = 0
RETURNING id;

-- name: follower
SELECT * FROM followers WHERE id = :id;

-- name: follower_at
SELECT * FROM followers WHERE address = :address AND message_id = :message_id;

-- name: followers_of
SELECT * FROM followers WHERE task_id = :task_id ORDER BY id;

-- name: unfinished_followers
SELECT * FROM followers WHERE end_shown_at IS NULL ORDER BY id;

-- name: follower_shown
UPDATE followers SET message_id = :message_id, shown_attempt = :attempt, shown_state = :state,
    end_shown_at = :end_shown_at, gone = 0
WHERE id = :id AND task_id = :task_id;

-- name: follower_gone
UPDATE followers SET message_id = NULL, gone = 1, end_shown_at = :end_shown_at WHERE id = :id;

-- name: followers_again
UPDATE followers SET end_shown_at = NULL WHERE task_id = :task_id;

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
