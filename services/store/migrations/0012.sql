-- Tokens by which people's programs are known. digest: SHA-256 of what was shown once.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    used_at REAL,
    UNIQUE (person, name)
) STRICT;
