-- What was edited since its note was calibrated and typed no name is nobody's. Of earlier edits that is not known.
ALTER TABLE note_hashes ADD COLUMN typed_at REAL;
UPDATE note_hashes SET typed_at = last
FROM (SELECT note_id AS note, max(at) AS last FROM revisions WHERE cause = 'edit' GROUP BY note_id)
WHERE note_id = note;
