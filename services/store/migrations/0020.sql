-- Which tasks told of a torrent is asked for each claim in whose place something verified comes.
CREATE INDEX items_found_v1 ON items (v1) WHERE state = 'completed' AND v1 IS NOT NULL;
CREATE INDEX items_found_v2 ON items (v2) WHERE state = 'completed' AND v2 IS NOT NULL;
