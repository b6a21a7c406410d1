-- What chats have become: a group that was upgraded to a supergroup has another number. Written once for each.
CREATE TABLE moved (
    door TEXT PRIMARY KEY,
    became TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
