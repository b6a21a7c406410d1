-- Why what was found was written into no note then: what notes say later tells nothing of that.
ALTER TABLE items ADD COLUMN passed_over TEXT;

CREATE INDEX followers_turned ON followers (notebook_id) WHERE failed_page IS NOT NULL;
