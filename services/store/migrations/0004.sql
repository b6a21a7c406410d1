-- A start indexes anew what is not here: notes are found by both hashes of a hybrid, and by words
-- within a sentence of Thai.
DELETE FROM note_words;

CREATE INDEX pins_by_hash ON pins (info_hash);

-- How often it was told to show itself anew: an edit that was made before counts for nothing.
ALTER TABLE followers ADD COLUMN renewed INTEGER NOT NULL DEFAULT 0;
