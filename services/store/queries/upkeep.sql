-- name: was_left_open
-- A process that ended in order has put it back to 0.
SELECT value FROM counters WHERE name = 'open';

-- name: mark_open
INSERT INTO counters (name, value) VALUES ('open', 1) ON CONFLICT (name) DO UPDATE SET value = 1;

-- name: mark_closed
UPDATE counters SET value = 0 WHERE name = 'open';

-- name: has_data
SELECT EXISTS (SELECT 1 FROM notebooks) OR EXISTS (SELECT 1 FROM people) OR EXISTS (SELECT 1 FROM names) AS has_data;

-- name: changes_so_far
SELECT total_changes() AS changes;

-- name: last_number
-- Of those that notes were given, deleted ones too.
SELECT coalesce(max(seq), 0) AS number FROM sqlite_sequence WHERE name = 'notes' AND typeof(seq) = 'integer';

-- name: forget_last_number
DELETE FROM sqlite_sequence WHERE name = 'notes';

-- name: put_last_number
INSERT INTO sqlite_sequence (name, seq) VALUES ('notes', :number);
