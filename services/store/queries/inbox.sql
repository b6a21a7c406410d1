-- name: add_deliveries
INSERT INTO inbox (source, number, content, at)
SELECT :source, value ->> 0, value ->> 1, :at FROM json_each(:deliveries) WHERE true
ON CONFLICT (source, number) DO NOTHING
RETURNING number;

-- name: unfinished_deliveries
SELECT number, content, told FROM inbox WHERE source = :source AND content IS NOT NULL ORDER BY number;

-- name: finish_deliveries
UPDATE inbox SET content = NULL WHERE source = :source AND number IN (SELECT value FROM json_each(:numbers));

-- name: answers_told
UPDATE inbox SET told = :told WHERE source = :source AND number = :number;

-- name: forget_deliveries
DELETE FROM inbox WHERE content IS NULL AND at < :before;
