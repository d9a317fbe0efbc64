-- The block of a line is one of its facts, so that a question to the index has an end. The index is made anew by its
-- duty, newest lines first: here nothing is gone through.
DROP TRIGGER search_forgets_before;
DROP TRIGGER search_forgets_after;
DROP TABLE search;
DROP VIEW search_text;

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

CREATE VIRTUAL TABLE search USING fts5 (facts, number, subject, extra, content = 'search_text', content_rowid = 'seq',
    detail = 'column', tokenize = 'unicode61 remove_diacritics 2');

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

UPDATE search_extent SET low = (SELECT COALESCE(MAX(seq), 0) + 1 FROM delivery),
    high = (SELECT COALESCE(MAX(seq), 0) FROM delivery);
