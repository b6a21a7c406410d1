-- name: verified_name
SELECT * FROM names
WHERE verified = 1 AND (:v1 IS NULL OR v1 = :v1) AND (:v2 IS NULL OR v2 = :v2) AND (v1 = :v1 OR v2 = :v2);

-- name: names_of
SELECT id, verified FROM names WHERE v1 = :v1 OR v2 = :v2;

-- name: delete_name
DELETE FROM names WHERE id = :id;

-- name: insert_name
INSERT INTO names (v1, v2, raw_name, name, encoding, certain, verified, source, size, file_count, first_seen)
VALUES (:v1, :v2, :raw_name, :name, :encoding, :certain, :verified, :source, :size, :file_count, :first_seen)
RETURNING id;

-- name: insert_file
INSERT INTO torrent_files (name_id, position, path, size) VALUES (:name_id, :position, :path, :size);

-- name: insert_lookup
INSERT INTO lookups (v1, v2, source, waited, took, outcome, at)
VALUES (:v1, :v2, :source, :waited, :took, :outcome, :at);

-- name: forget_lookups
DELETE FROM lookups WHERE at < :before;
