-- Places that take no messages from us: that is theirs, and leaves what their messages have shown as it is. Before, each
-- message there came to rest by itself, with an end that it had not shown.
-- whole: with all topics in it.
CREATE TABLE closed_places (
    address TEXT NOT NULL,
    whole INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (address, whole)
) STRICT;

-- Where one is under way, or has shown its end since, messages are taken again. Each place by itself: a chat without topics
-- has one, and of a forum it is not known whether all of it was closed.
INSERT INTO closed_places (address, whole, at)
SELECT address, 0, max(end_shown_at) AS rested FROM followers JOIN tasks ON tasks.id = task_id
WHERE end_shown_at IS NOT NULL
    AND (shown_state IS NULL OR shown_state IN ('pending', 'running') OR shown_attempt < attempt)
GROUP BY address
HAVING NOT EXISTS (
    SELECT 1 FROM followers AS other WHERE other.address = followers.address AND (
        other.end_shown_at IS NULL
        OR other.end_shown_at > rested AND other.shown_state IN ('completed', 'failed', 'cancelled')
    )
);

UPDATE followers SET end_shown_at = NULL WHERE end_shown_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM tasks WHERE tasks.id = task_id
        AND (shown_state IS NULL OR shown_state IN ('pending', 'running') OR shown_attempt < attempt)
);

UPDATE boards SET behind = 1 WHERE message_id IS NOT NULL AND closed_at IS NOT NULL
    AND id IN (SELECT board_id FROM followers WHERE end_shown_at IS NULL);
