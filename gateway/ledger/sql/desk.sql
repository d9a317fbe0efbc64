-- name: desk_list_waiting
-- Documents for some offices that nobody there has handled, the urgent first, then the oldest: what they fetch, and
-- what was brought to those that keep a desk as well. Item, whose it is, document, state. An answer to a request (15,
-- 16) handles a recall, and with 15 what it recalls; nothing else. Of each office no more than a page of each urgency is
-- looked at, fetched or brought; and what was brought to one that keeps no desk, or before it did, is not.
SELECT d.seq, d.id, d.message_id, d.recipient_id, d.recipient_code, m.sender_id, m.sender_code,
       COALESCE(m.envelope ->> '$.sender.organ_name', ''), m.code_number, m.code_notation, COALESCE(m.promulgated_on, ''),
       COALESCE(m.envelope ->> '$.doc_type_name', ''), m.subject, m.business_type, m.priority, m.accepted_at, d.state,
       COALESCE(d.business_status, ''), COALESCE(d.request_id, ''), COALESCE(m.envelope ->> '$.due_date', ''),
       EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
FROM (
    SELECT p.seq AS seq
    FROM json_each(:offices) AS o LEFT JOIN desk_office AS k ON k.office_id = o.value
    CROSS JOIN json_each('[4, 3, 2, 1, 0]') AS u CROSS JOIN json_each('[0, 1]') AS b
    CROSS JOIN delivery AS p ON p.seq IN (
        SELECT d.seq FROM delivery AS d INDEXED BY delivery_of_desk CROSS JOIN message AS m ON m.id = d.message_id
        WHERE d.recipient_id = o.value AND d.in_inbox = b.value AND d.priority = u.value
          AND d.seq > MAX(iif(u.value = :priority, :after, 0), iif(b.value, 0, k.after_seq))
          AND d.expects_status = 1 AND (d.business_status IS NULL OR d.business_status IN ('01', '15', '16'))
          AND (d.business_status IS NULL OR d.business_status = '01' OR m.business_type <> '1' AND NOT EXISTS (
                   SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
               AND (d.business_status = '16' OR NOT EXISTS (
                   SELECT 1 FROM recalled AS r WHERE r.message_id = m.id)))
          AND (d.in_inbox = 1 AND d.state IN ('queued', 'in_flight', 'delivered', 'acknowledged')
               OR d.state IN ('delivered', 'acknowledged') AND k.since <= m.accepted_at)
          AND m.kind = 'document'
        ORDER BY d.seq LIMIT :limit)
    WHERE u.value <= :priority
    ORDER BY p.priority DESC, p.seq LIMIT :limit
) AS w CROSS JOIN delivery AS d ON d.seq = w.seq CROSS JOIN message AS m ON m.id = d.message_id
ORDER BY d.priority DESC, d.seq;

-- name: desk_list_newest
-- Of the same documents those of one urgency, the newest first: id, number and notation, subject.
SELECT d.id, m.code_number || iif(m.code_notation <> '', '/' || m.code_notation, ''), m.subject
FROM (
    SELECT p.seq AS seq
    FROM json_each(:offices) AS o LEFT JOIN desk_office AS k ON k.office_id = o.value
    CROSS JOIN json_each('[0, 1]') AS b
    CROSS JOIN delivery AS p ON p.seq IN (
        SELECT d.seq FROM delivery AS d INDEXED BY delivery_of_desk CROSS JOIN message AS m ON m.id = d.message_id
        WHERE d.recipient_id = o.value AND d.in_inbox = b.value AND d.priority = :priority
          AND d.seq > iif(b.value, 0, k.after_seq)
          AND d.expects_status = 1 AND (d.business_status IS NULL OR d.business_status IN ('01', '15', '16'))
          AND (d.business_status IS NULL OR d.business_status = '01' OR m.business_type <> '1' AND NOT EXISTS (
                   SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
               AND (d.business_status = '16' OR NOT EXISTS (
                   SELECT 1 FROM recalled AS r WHERE r.message_id = m.id)))
          AND (d.in_inbox = 1 AND d.state IN ('queued', 'in_flight', 'delivered', 'acknowledged')
               OR d.state IN ('delivered', 'acknowledged') AND k.since <= m.accepted_at)
          AND m.kind = 'document'
        ORDER BY d.seq DESC LIMIT :limit)
    ORDER BY p.seq DESC LIMIT :limit
) AS w CROSS JOIN delivery AS d ON d.seq = w.seq CROSS JOIN message AS m ON m.id = d.message_id
ORDER BY d.seq DESC;

-- name: desk_list_asked
-- Documents that their senders want back, changed or replaced, and that some offices have not answered for.
SELECT d.seq, d.id, d.message_id, d.recipient_id, d.recipient_code, m.sender_id, m.sender_code,
       COALESCE(m.envelope ->> '$.sender.organ_name', ''), m.code_number, m.code_notation, COALESCE(m.promulgated_on, ''),
       COALESCE(m.envelope ->> '$.doc_type_name', ''), m.subject, m.business_type, m.priority, m.accepted_at, d.state,
       COALESCE(d.business_status, ''), COALESCE(d.request_id, ''), COALESCE(m.envelope ->> '$.due_date', ''),
       EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
FROM delivery AS d INDEXED BY delivery_by_request CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.request_id IS NOT NULL AND d.recipient_id IN (SELECT value FROM json_each(:offices))
  AND (d.in_inbox = 1 OR EXISTS (
      SELECT 1 FROM desk_office AS o WHERE o.office_id = d.recipient_id AND o.since <= m.accepted_at))
ORDER BY d.seq LIMIT :limit;

-- name: desk_read_item
-- One item of some offices, likewise, whatever its state.
SELECT d.seq, d.id, d.message_id, d.recipient_id, d.recipient_code, m.sender_id, m.sender_code,
       COALESCE(m.envelope ->> '$.sender.organ_name', ''), m.code_number, m.code_notation, COALESCE(m.promulgated_on, ''),
       COALESCE(m.envelope ->> '$.doc_type_name', ''), m.subject, m.business_type, m.priority, m.accepted_at, d.state,
       COALESCE(d.business_status, ''), COALESCE(d.request_id, ''), COALESCE(m.envelope ->> '$.due_date', ''),
       EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.id = :id AND d.recipient_id IN (SELECT value FROM json_each(:offices)) AND m.kind = 'document'
  AND (d.in_inbox = 1 OR d.state IN ('delivered', 'acknowledged') AND EXISTS (
      SELECT 1 FROM desk_office AS o WHERE o.office_id = d.recipient_id AND o.since <= m.accepted_at));

-- name: desk_office_list
-- Which of some offices keep a desk although documents are brought to them.
SELECT office_id FROM desk_office WHERE office_id IN (SELECT value FROM json_each(?));

-- name: desk_has_software
-- Whether a system of an office reads its inbox, so that listing is its business: office, now.
SELECT EXISTS (SELECT 1 FROM credential WHERE agency_id = :office AND revoked_at IS NULL AND expires_at > :now)
    OR EXISTS (SELECT 1 FROM shared_secret WHERE agency_id = :office AND revoked_at IS NULL AND expires_at > :now);

-- name: entry_read_one
-- One line of some offices.
SELECT * FROM desk_line WHERE id = :id AND office_id IN (SELECT value FROM json_each(:offices));

-- name: entry_list_of_office
-- Lines of one register from one day to another, newest first, after (that is, before) one of them.
SELECT * FROM desk_line
WHERE office_id = :office AND direction = :direction AND day BETWEEN :first AND :last AND id < :before
ORDER BY day DESC, id DESC LIMIT :limit;

-- name: entry_list_series
-- The series in which an office has numbered what it sent in a year, with the number last given in each.
SELECT series, MAX(number) FROM desk_entry WHERE office_id = ? AND direction = 'out' AND year = ? GROUP BY series;

-- name: entry_list_receivers
-- To whom an office has passed on what came of late, the last first.
SELECT receiver FROM (
    SELECT receiver, id FROM desk_entry WHERE office_id = ? AND direction = 'in' ORDER BY day DESC LIMIT 500)
WHERE receiver <> '' GROUP BY receiver ORDER BY MAX(id) DESC LIMIT 30;

-- name: desk_file_sum_of_office
-- Bytes of the files that an office has brought since an instant, and of those that its drafts have, however old.
SELECT COALESCE(SUM(size), 0) FROM (
    SELECT f.id, f.size FROM desk_file AS f INDEXED BY desk_file_by_office
    WHERE f.office_id = :office AND f.added_at >= :since
    UNION
    SELECT f.id, f.size FROM desk_draft AS d CROSS JOIN desk_draft_file AS p ON p.draft_id = d.id
    CROSS JOIN desk_file AS f ON f.id = p.file_id WHERE d.office_id = :office);

-- name: desk_file_read
-- A file of some offices.
SELECT id, office_id, sha256, size, name, content_type FROM desk_file
WHERE id = :id AND office_id IN (SELECT value FROM json_each(:offices));
