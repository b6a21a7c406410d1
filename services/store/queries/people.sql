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

-- name: doors_of
SELECT door FROM doors WHERE notebook_id = :notebook_id ORDER BY door;

-- name: join_words
UPDATE note_words SET notebook = :word WHERE rowid IN (SELECT id FROM notes WHERE notebook_id = :old);

-- name: join_chosen_names
INSERT INTO chosen_names (notebook_id, name_id, text, encoding, person, at)
SELECT :new, name_id, text, encoding, person, at FROM chosen_names WHERE notebook_id = :old
ON CONFLICT (notebook_id, name_id) DO UPDATE SET
    text = excluded.text, encoding = excluded.encoding, person = excluded.person, at = excluded.at
WHERE excluded.at > chosen_names.at;

-- name: forget_chosen_names_of
DELETE FROM chosen_names WHERE notebook_id = :old;

-- name: join_replaced_claims
INSERT INTO replaced_claims (notebook_id, info_hash, text)
SELECT :new, info_hash, text FROM replaced_claims WHERE notebook_id = :old
ON CONFLICT DO NOTHING;

-- name: forget_replaced_claims_of
DELETE FROM replaced_claims WHERE notebook_id = :old;

-- name: join_notes
UPDATE notes SET notebook_id = :new WHERE notebook_id = :old;

-- name: join_note_hashes
UPDATE note_hashes SET notebook_id = :new WHERE notebook_id = :old;

-- name: join_tasks
UPDATE tasks SET notebook_id = :new WHERE notebook_id = :old;

-- name: join_followers
UPDATE followers SET notebook_id = :new WHERE notebook_id = :old;

-- name: join_lookups
UPDATE notebook_lookups SET notebook_id = :new WHERE notebook_id = :old;

-- name: join_doors
UPDATE doors SET notebook_id = :new WHERE notebook_id = :old;

-- name: forget_notebook
DELETE FROM notebooks WHERE id = :old;
