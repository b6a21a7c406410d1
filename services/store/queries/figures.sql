-- name: insert_lookup
INSERT INTO lookups (v1, v2, source, waited, took, outcome, at)
VALUES (:v1, :v2, :source, :waited, :took, :outcome, :at);

-- name: forget_lookups
DELETE FROM lookups WHERE at < :before;

-- name: lookup_waits
-- The 95th percentile is the value at its rank: 95 of 100, rounded up.
SELECT count(*) AS many, avg(waited) AS average, (
    SELECT waited FROM lookups WHERE at >= :since ORDER BY waited
    LIMIT 1 OFFSET (SELECT (count(*) * 95 + 99) / 100 - 1 FROM lookups WHERE at >= :since)
) AS p95
FROM lookups WHERE at >= :since;

-- name: lookups_by_source
SELECT source, many, max(took) FILTER (WHERE place <= (many * 50 + 99) / 100) AS p50,
    max(took) FILTER (WHERE place <= (many * 95 + 99) / 100) AS p95
FROM (
    SELECT source, took, row_number() OVER (PARTITION BY source ORDER BY took) AS place,
        count(*) OVER (PARTITION BY source) AS many
    FROM lookups WHERE at >= :since AND outcome = 'found' AND source IS NOT NULL
)
GROUP BY source ORDER BY many DESC, source;

-- name: lookup_outcomes
SELECT outcome, count(*) AS many FROM lookups WHERE at >= :since GROUP BY outcome ORDER BY many DESC, outcome;

-- name: lookups_by_day
-- day: of 86,400 seconds, since 1970, as UTC has them.
SELECT CAST(at / 86400 AS INTEGER) AS day, sum(outcome = 'found') AS found,
    sum(outcome NOT IN ('found', 'cancelled')) AS missed
FROM lookups WHERE at >= :since GROUP BY day;

-- name: insert_notebook_lookup
INSERT INTO notebook_lookups (notebook_id, source, waited, took, outcome, at)
VALUES (:notebook_id, :source, :waited, :took, :outcome, :at);

-- name: forget_notebook_lookups
DELETE FROM notebook_lookups WHERE at < :before;

-- name: notebook_lookup_waits
-- Of those whose wait is known.
WITH mine AS (
    SELECT waited FROM json_each(:notebooks) AS asked
    CROSS JOIN notebook_lookups ON notebook_id = asked.value AND at >= :since
)
SELECT count(*) AS many, avg(waited) AS average, (
    SELECT waited FROM mine WHERE waited IS NOT NULL ORDER BY waited
    LIMIT 1 OFFSET (SELECT (count(waited) * 95 + 99) / 100 - 1 FROM mine)
) AS p95
FROM mine;

-- name: notebook_lookups_by_source
SELECT source, many, max(took) FILTER (WHERE place <= (many * 50 + 99) / 100) AS p50,
    max(took) FILTER (WHERE place <= (many * 95 + 99) / 100) AS p95
FROM (
    SELECT source, took, row_number() OVER (PARTITION BY source ORDER BY took) AS place,
        count(*) OVER (PARTITION BY source) AS many
    FROM json_each(:notebooks) AS asked CROSS JOIN notebook_lookups ON notebook_id = asked.value AND at >= :since
    WHERE outcome = 'found' AND source IS NOT NULL
)
GROUP BY source ORDER BY many DESC, source;

-- name: notebook_lookup_outcomes
SELECT outcome, count(*) AS many
FROM json_each(:notebooks) AS asked CROSS JOIN notebook_lookups ON notebook_id = asked.value AND at >= :since
GROUP BY outcome ORDER BY many DESC, outcome;

-- name: notebook_lookups_by_day
SELECT CAST(at / 86400 AS INTEGER) AS day, sum(outcome = 'found') AS found,
    sum(outcome NOT IN ('found', 'cancelled')) AS missed
FROM json_each(:notebooks) AS asked CROSS JOIN notebook_lookups ON notebook_id = asked.value AND at >= :since
GROUP BY day;
