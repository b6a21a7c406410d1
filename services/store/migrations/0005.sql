-- A start indexes anew what is not here: notes are found by letters of any width, and by those of a ligature.
DELETE FROM note_words;
