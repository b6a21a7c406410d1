-- What Telegram delivered, from before that is confirmed until it is done; its number (without content) for longer.
CREATE TABLE inbox (
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    content TEXT,
    at REAL NOT NULL,
    PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_unfinished ON inbox (source, number) WHERE content IS NOT NULL;
CREATE INDEX inbox_finished ON inbox (at) WHERE content IS NULL;
