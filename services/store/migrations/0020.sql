-- Which tasks told of a torrent is asked for each claim in whose place something verified comes.
CREATE INDEX items_found_v1 ON items (v1) WHERE state = 'completed' AND v1 IS NOT NULL;
CREATE INDEX items_found_v2 ON items (v2) WHERE state = 'completed' AND v2 IS NOT NULL;

-- Of what was not sure as it came it is kept why it was written nowhere: where it is verified since, it stood in no note.
UPDATE items SET passed_over = 'unsure'
WHERE state = 'completed' AND passed_over IS NULL AND corrected = '[]' AND (task_id, position) IN (
    SELECT item_rows.task_id, item_rows.position FROM item_rows JOIN tasks ON tasks.id = item_rows.task_id
    WHERE item_rows.state = 'completed' AND json_type(tasks.request, '$.notes') IS NOT NULL
        AND NOT (item_rows.certain AND (item_rows.verified OR item_rows.chosen))
);
