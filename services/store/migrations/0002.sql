-- A note that was deleted can be taken back for a day. source: where a forwarded text came from, as it names itself.
ALTER TABLE notes ADD COLUMN deleted_at REAL;
ALTER TABLE notes ADD COLUMN source TEXT;
CREATE INDEX notes_deleted ON notes (deleted_at) WHERE deleted_at IS NOT NULL;

-- What is learned of a torrent is indexed with every note that has it, in any notebook.
CREATE INDEX note_hashes_everywhere ON note_hashes (info_hash);

CREATE INDEX revisions_of_task ON revisions (task_id) WHERE task_id IS NOT NULL;

-- What a person undid, or kept: no calibrate writes it again until one names the note's number.
CREATE TABLE pins (
    note_id INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    info_hash TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (note_id, info_hash)
) STRICT, WITHOUT ROWID;

-- How many lookups a person asked for, and when: what their hour's allowance is judged by.
CREATE TABLE asked (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    lookups INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX asked_by_person ON asked (person, at);
CREATE INDEX asked_at ON asked (at);
CREATE INDEX tasks_under_way ON tasks (asked_by) WHERE state IN ('pending', 'running');

-- At a start those without an end are asked for, and later those whose end was long ago.
DROP INDEX followers_open;
CREATE INDEX followers_open ON followers (id) WHERE end_shown_at IS NULL;
CREATE INDEX followers_ended ON followers (end_shown_at) WHERE end_shown_at IS NOT NULL;

-- Which page of its failed items a message shows; NULL: its card.
ALTER TABLE followers ADD COLUMN failed_page INTEGER;

-- Who was let in from a chat. The settings' own people are not here: they cannot be denied from a chat.
ALTER TABLE people ADD COLUMN added_by TEXT;
CREATE TABLE allowed_chats (
    door TEXT PRIMARY KEY,
    added_at REAL NOT NULL,
    added_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A row a note (rowid is its number). words: its text, and the names and files of its torrents, CJK characters apart
-- from each other, since no tokenizer of FTS5 finds words of two of them. notebook: a word of its own that nobody types.
CREATE VIRTUAL TABLE note_words USING fts5 (notebook, words, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
