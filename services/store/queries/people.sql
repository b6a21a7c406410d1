-- name: let_in
SELECT person AS who, role, added_at, added_by FROM people
UNION ALL SELECT door, 'chat', added_at, added_by FROM allowed_chats
ORDER BY added_at, who;

-- name: put_person
INSERT INTO people (person, role, added_at, added_by) VALUES (:person, :role, :at, :by)
ON CONFLICT (person) DO UPDATE SET role = :role, added_at = :at, added_by = :by;

-- name: put_allowed_chat
INSERT INTO allowed_chats (door, added_at, added_by) VALUES (:door, :at, :by)
ON CONFLICT (door) DO UPDATE SET added_at = :at, added_by = :by;

-- name: remove_person
DELETE FROM people WHERE person = :person;

-- name: remove_allowed_chat
DELETE FROM allowed_chats WHERE door = :door;

-- name: languages
SELECT door, language FROM doors WHERE language IS NOT NULL;

-- name: speak
UPDATE doors SET language = :language WHERE door = :door;

-- name: moved
SELECT door, became FROM moved;

-- name: insert_moved
INSERT INTO moved (door, became, at) VALUES (:door, :became, :at);
