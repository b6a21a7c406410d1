-- Lines that a board's message still shows have left it since: it is to be shown once more, closed or not.
ALTER TABLE boards ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
