-- Entries of peers' lists that are listed again, or stay listed, after we were done with them (decision 22).

-- the peer's id of an entry, once the peer has given it to another document; `ref` is our own id from then on
ALTER TABLE offer ADD COLUMN former_ref TEXT;

-- since when the list gives reason to compare its bytes with those that we have; NULL: it gives none
ALTER TABLE offer ADD COLUMN doubted_at INTEGER;

-- how many times the peer said yes to our acknowledgement while the entry stayed listed
ALTER TABLE offer ADD COLUMN acknowledgements INTEGER NOT NULL DEFAULT 0;
