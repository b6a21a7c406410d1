-- Who is at a browser. digest: SHA-256 of what the link, or the cookie, has.
CREATE TABLE login_links (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    person TEXT NOT NULL,
    good_until REAL NOT NULL
) STRICT;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    person TEXT NOT NULL,
    good_until REAL NOT NULL
) STRICT;
