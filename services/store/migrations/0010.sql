-- One message that shows many tasks of a place. asking: whether to cancel all of them.
CREATE TABLE boards (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    reply_to INTEGER,
    message_id INTEGER,
    page INTEGER NOT NULL DEFAULT 0,
    asking INTEGER NOT NULL DEFAULT 0,
    closed_at REAL,
    UNIQUE (address, message_id)
) STRICT;
CREATE UNIQUE INDEX boards_open ON boards (address) WHERE closed_at IS NULL;
CREATE INDEX boards_closed ON boards (closed_at) WHERE closed_at IS NOT NULL;

-- With a message of its own, that one is still to say that the board shows its task. alone: how many live ones may
-- stand alone at its address; NULL: any number.
ALTER TABLE followers ADD COLUMN board_id INTEGER;
ALTER TABLE followers ADD COLUMN alone INTEGER;
CREATE INDEX followers_on_board ON followers (board_id) WHERE board_id IS NOT NULL;
CREATE INDEX followers_leaving ON followers (id) WHERE board_id IS NOT NULL AND message_id IS NOT NULL;
CREATE INDEX followers_live ON followers (address) WHERE end_shown_at IS NULL;
