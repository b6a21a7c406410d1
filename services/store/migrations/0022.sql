-- What was edited since its note was calibrated and typed no name is nobody's. Of earlier edits that is not known.
ALTER TABLE note_hashes ADD COLUMN typed_at REAL;
UPDATE note_hashes SET typed_at = (
    SELECT max(at) FROM revisions WHERE revisions.note_id = note_hashes.note_id AND cause = 'edit'
);
