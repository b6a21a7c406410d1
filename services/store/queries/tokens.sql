-- name: put_token
INSERT INTO tokens (person, name, digest, created_at) VALUES (:person, :name, :digest, :at)
ON CONFLICT (person, name) DO UPDATE SET digest = :digest;

-- name: token_with
SELECT * FROM tokens WHERE digest = :digest;

-- name: tokens_of
SELECT * FROM tokens WHERE person = :person ORDER BY created_at, id;

-- name: token_used
UPDATE tokens SET used_at = :at WHERE digest = :digest;

-- name: remove_token
DELETE FROM tokens WHERE person = :person AND name = :name;
