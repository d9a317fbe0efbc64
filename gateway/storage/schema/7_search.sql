-- Searching ----------------------------------------------------------------------------------------

-- What of a line is searched by, as the index takes it. Letters before the facts keep them apart; ids and names are
-- written without their marks, as `gateway.search.words` writes them. The last fact is the block of the line
-- (`gateway.search.spans`), by which a question to the index ends.
CREATE VIEW search_text AS
SELECT d.seq AS seq,
       's' || replace(m.sender_id, '-', '') || ' r' || replace(d.recipient_id, '-', '')
           || ' e' || replace(replace(d.endpoint_id, '-', ''), '_', '') || ' k' || m.kind || ' u' || m.priority
           || ' b' || m.business_type
           || ' t' || replace(replace(replace(COALESCE(m.envelope ->> 'doc_type_name', ''), ' ', ''), 'Đ', 'd'), 'đ', 'd')
           || ' g' || (d.seq >> 16)
           AS facts,
       'n' || ltrim(replace(replace(m.code_number, ' ', ''), '-', ''), '0')
           || ' k' || replace(replace(replace(replace(replace(replace(replace(replace(replace(m.code_notation,
               ' ', ''), '-', ''), '/', ''), '.', ''), '–', ''), 'Đ', 'd'), 'đ', 'd'), 'Ð', 'd'), 'ð', 'd')
           || ' ' || m.code_number
           || ' ' || replace(replace(replace(replace(m.code_notation, 'Đ', 'd'), 'đ', 'd'), 'Ð', 'd'), 'ð', 'd')
           AS number,
       m.subject_folded AS subject,
       replace(replace(replace(replace(COALESCE(m.envelope ->> 'signer', '') || ' ' || COALESCE((
           SELECT group_concat(COALESCE(a.value ->> 'name', '') || ' ' || COALESCE(a.value ->> 'description', ''), ' ')
           FROM json_each(m.envelope, '$.attachments') AS a), ''), 'Đ', 'd'), 'đ', 'd'), 'Ð', 'd'), 'ð', 'd')
           AS extra
FROM delivery AS d CROSS JOIN message AS m ON m.id = d.message_id;

-- Lines by what does not change about them; its numbers are theirs. What changes is looked up in the line.
CREATE VIRTUAL TABLE search USING fts5 (facts, number, subject, extra, content = 'search_text', content_rowid = 'seq',
    detail = 'column', tokenize = 'unicode61 remove_diacritics 2');

-- Which lines the index holds: from low to high.
CREATE TABLE search_extent (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    low  INTEGER NOT NULL,
    high INTEGER NOT NULL
) STRICT;

-- What is blanked by an order to destroy leaves the index in the same transaction, whichever program does it.
CREATE TRIGGER search_forgets_before BEFORE UPDATE OF subject_folded, envelope ON message
BEGIN
    DELETE FROM search WHERE rowid IN (SELECT d.seq FROM delivery AS d CROSS JOIN search_extent AS x
        WHERE d.message_id = OLD.id AND d.seq BETWEEN x.low AND x.high);
END;
CREATE TRIGGER search_forgets_after AFTER UPDATE OF subject_folded, envelope ON message
BEGIN
    INSERT INTO search (rowid, facts, number, subject, extra)
        SELECT t.seq, t.facts, t.number, t.subject, t.extra FROM delivery AS d CROSS JOIN search_extent AS x
        CROSS JOIN search_text AS t ON t.seq = d.seq
        WHERE d.message_id = NEW.id AND d.seq BETWEEN x.low AND x.high;
END;

-- What few lines end in, and people look for.
CREATE INDEX delivery_by_rare_status ON delivery (business_status) WHERE business_status IN ('02', '13', '15', '16');

-- Filters that somebody keeps.
CREATE TABLE saved_view (
    -- login of whose it is
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    -- as in the page's address
    filter   TEXT NOT NULL CHECK (length(filter) <= 4000),
    columns  TEXT NOT NULL CHECK (length(columns) <= 400),
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
