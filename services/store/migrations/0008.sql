-- The language in which a chat is answered; NULL: each person in their own.
ALTER TABLE doors ADD COLUMN language TEXT;
