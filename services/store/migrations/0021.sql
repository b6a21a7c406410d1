-- A retry asks for what was not found alone: the rest of its task was asked for when that was.
ALTER TABLE items ADD COLUMN asked_again_at REAL;
