-- Tasks are forgotten, and when their notes were to be calibrated went with them: of those it is when that was done.
-- UNION: else all items of a task are read for each hash that it found.
ALTER TABLE note_hashes ADD COLUMN asked_at REAL;
UPDATE note_hashes SET asked_at = coalesce((SELECT created_at FROM tasks WHERE id = task_id), at);
UPDATE note_hashes SET asked_at = again FROM (
    SELECT task_id AS task, v1 AS one, asked_again_at AS again FROM items WHERE asked_again_at IS NOT NULL
    UNION SELECT task_id, v2, asked_again_at FROM items WHERE asked_again_at IS NOT NULL
) WHERE task_id = task AND info_hash = one;
