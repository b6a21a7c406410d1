-- name: add_link
INSERT INTO login_links (digest, person, good_until) VALUES (:digest, :person, :good_until);

-- name: forget_older_links
DELETE FROM login_links WHERE person = :person AND id NOT IN (
    SELECT id FROM login_links WHERE person = :person ORDER BY id DESC LIMIT :most
);

-- name: link
SELECT * FROM login_links WHERE digest = :digest;

-- name: use_up_link
DELETE FROM login_links WHERE digest = :digest;

-- name: remove_links_of
DELETE FROM login_links WHERE person = :person;

-- name: forget_links
DELETE FROM login_links WHERE good_until <= :before;

-- name: put_session
INSERT INTO sessions (digest, person, good_until) VALUES (:digest, :person, :good_until)
ON CONFLICT (digest) DO UPDATE SET good_until = :good_until;

-- name: session
SELECT * FROM sessions WHERE digest = :digest;

-- name: remove_session
DELETE FROM sessions WHERE digest = :digest;

-- name: remove_sessions_of
DELETE FROM sessions WHERE person = :person RETURNING id;

-- name: forget_sessions
DELETE FROM sessions WHERE good_until <= :before;
