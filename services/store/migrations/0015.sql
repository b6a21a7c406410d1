-- An edit that was made elsewhere than in the note's message, which goes on saying what it said.
ALTER TABLE revisions ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;
