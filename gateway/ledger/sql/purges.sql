-- name: purge_insert
-- Make an order.
INSERT INTO purge (id, kind, ref, reason, month, with_envelope, sha256, documents, made_at, made_by, asked_at, asked_by,
    confirmed_at, confirmed_by, confirmed_why)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: purge_document_insert
-- What it is for: order, message, digest, what holds it back.
INSERT INTO purge_document (purge_id, message_id, sha256, held_by) VALUES (?, ?, ?, ?);

-- name: purge_list_some
-- Orders, newest first: the open ones, or all of them; and how many of their documents are destroyed and held back.
SELECT id, kind, ref, reason, COALESCE(month, ''), with_envelope, sha256, documents, made_at, made_by, asked_at,
       COALESCE(asked_by, ''), confirmed_at, COALESCE(confirmed_by, ''), COALESCE(confirmed_why, ''), ended_at,
       COALESCE(ended_by, ''), COALESCE(outcome, ''),
       (SELECT COUNT(*) FROM purge_document AS d WHERE d.purge_id = purge.id AND d.purged_at IS NOT NULL)
           + (SELECT COUNT(*) FROM purge_paper AS d WHERE d.purge_id = purge.id AND d.purged_at IS NOT NULL),
       (SELECT COUNT(*) FROM purge_document AS d WHERE d.purge_id = purge.id AND d.held_by IS NOT NULL),
       (SELECT COUNT(*) FROM purge_remain AS r WHERE r.purge_id = purge.id)
FROM purge WHERE :all OR ended_at IS NULL ORDER BY made_at DESC, id DESC;

-- name: purge_list_newest
-- Orders that wait for a person, or those that were answered for or are over, newest first.
SELECT id FROM purge WHERE (confirmed_by IS NULL AND ended_at IS NULL) = :waiting
ORDER BY made_at DESC, id DESC LIMIT :limit;

-- name: purge_list_shown
-- Some orders as people see them; how many of their documents are destroyed and held back.
SELECT id, ref, reason, with_envelope, documents, made_at, made_by, COALESCE(asked_by, ''), asked_at,
       COALESCE(confirmed_by, ''), confirmed_at, COALESCE(confirmed_why, ''), COALESCE(ended_by, ''), ended_at,
       COALESCE(outcome, ''),
       (SELECT COUNT(*) FROM purge_document AS d WHERE d.purge_id = purge.id AND d.purged_at IS NOT NULL)
           + (SELECT COUNT(*) FROM purge_paper AS d WHERE d.purge_id = purge.id AND d.purged_at IS NOT NULL),
       (SELECT COUNT(*) FROM purge_document AS d WHERE d.purge_id = purge.id AND d.held_by IS NOT NULL)
FROM purge WHERE id IN (SELECT value FROM json_each(?));

-- name: purge_document_shown
-- A page of an order's documents: id, number, whose it is, subject, what holds it back, since when destroyed.
SELECT d.message_id, m.code_number || IIF(m.code_notation = '', '', '/' || m.code_notation), m.sender_id, m.subject,
       COALESCE(d.held_by, ''), d.purged_at
FROM purge_document AS d JOIN message AS m ON m.id = d.message_id
WHERE d.purge_id = :order AND d.message_id > :beyond ORDER BY d.message_id LIMIT :limit;

-- name: purge_paper_shown
-- A page of an order's papers: line of the register, its number there, the office, subject, since when destroyed.
SELECT d.entry_id, e.number || '/' || e.year, e.office_id, e.subject, '', d.purged_at
FROM purge_paper AS d JOIN desk_entry AS e ON e.id = d.entry_id
WHERE d.purge_id = :order AND d.entry_id > :beyond ORDER BY d.entry_id LIMIT :limit;

-- name: purge_find_by_id
-- Orders whose id ends or begins so: their last digits differ, their first ones are the time.
SELECT id FROM purge WHERE id = :id OR substr(id, -length(:id)) = :id OR substr(id, 1, length(:id)) = :id;

-- name: purge_read_state
-- How an order is: kind, list, envelope, when made, who asked, who confirmed, outcome.
SELECT kind, sha256, with_envelope, made_at, COALESCE(asked_by, ''), COALESCE(confirmed_by, ''), COALESCE(outcome, '')
FROM purge WHERE id = ?;

-- name: purge_list_answers
-- Who answered for an order, as the log has it: leaves.
SELECT leaf FROM event
WHERE kind IN ('purge.ordered', 'purge.backed', 'purge.confirmed') AND CAST(leaf AS TEXT) ->> '$.facts.order' = ?
ORDER BY seq;

-- name: purge_find_cancelled
-- Whether the log says that an order was cancelled or lapsed.
SELECT 1 FROM event
WHERE kind IN ('purge.cancelled', 'purge.lapsed') AND CAST(leaf AS TEXT) ->> '$.facts.order' = ? LIMIT 1;

-- name: purge_read_epoch
-- The event that opened the epoch under way, where a restore did: its instant and leaf.
SELECT at, leaf FROM event WHERE seq = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch_first')
    AND kind = 'epoch.opened';

-- name: purge_ask_if_nobody
-- A first person answers for an order that a rule made.
UPDATE purge SET asked_at = :now, asked_by = :actor
WHERE id = :id AND asked_by IS NULL AND ended_at IS NULL RETURNING id;

-- name: purge_confirm_if_asked
-- The second person does.
UPDATE purge SET confirmed_at = :now, confirmed_by = :actor, confirmed_why = :why
WHERE id = :id AND asked_by <> :actor AND confirmed_by IS NULL AND ended_at IS NULL RETURNING id;

-- name: purge_end_if_open
-- An order is over.
UPDATE purge SET ended_at = :now, ended_by = :actor, outcome = :outcome
WHERE id = :id AND ended_at IS NULL AND (:outcome = 'completed') = (confirmed_by IS NOT NULL) RETURNING id;

-- name: purge_cancel_if_held
-- End a confirmed order of which documents are held back, once no file is left of those that were destroyed.
UPDATE purge SET ended_at = :now, ended_by = :actor, outcome = 'cancelled'
WHERE id = :id AND ended_at IS NULL AND confirmed_by IS NOT NULL
  AND EXISTS (SELECT 1 FROM purge_document AS d WHERE d.purge_id = :id AND d.held_by IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM purge_remain AS r WHERE r.purge_id = :id AND r.place NOT IN ('ledger', 'log'))
RETURNING id;

-- name: purge_list_unconfirmed_before
-- Orders that nobody confirmed in time.
SELECT id FROM purge WHERE ended_at IS NULL AND confirmed_by IS NULL AND made_at < ?;

-- name: purge_list_confirmed
-- Orders to be carried out, oldest first: id, kind, envelope, when made.
SELECT id, kind, with_envelope, made_at FROM purge WHERE ended_at IS NULL AND confirmed_by IS NOT NULL ORDER BY made_at;

-- name: purge_count_open
-- Orders that wait for a person, and confirmed ones that are not done.
SELECT COALESCE(SUM(confirmed_by IS NULL), 0), COALESCE(SUM(confirmed_by IS NOT NULL), 0)
FROM purge WHERE ended_at IS NULL;

-- name: purge_month_exists
-- Whether a rule's order was made for a month.
SELECT 1 FROM purge WHERE month = ?;

-- name: purge_document_list
-- The documents of an order: message, digest, what holds it back, since when nobody is given it.
SELECT message_id, sha256, COALESCE(held_by, ''), purged_at FROM purge_document WHERE purge_id = ? ORDER BY message_id;

-- name: purge_document_among
-- Which of some messages are in an order.
SELECT message_id FROM purge_document WHERE purge_id = ? AND message_id IN (SELECT value FROM json_each(?));

-- name: purge_document_mark
-- Nobody is given a byte of it from now on.
UPDATE purge_document SET purged_at = :now, held_by = NULL, salt = :salt
WHERE purge_id = :purge AND message_id = :message AND purged_at IS NULL RETURNING message_id;

-- name: purge_document_hold
-- What holds it back at present.
UPDATE purge_document SET held_by = ? WHERE purge_id = ? AND message_id = ? AND purged_at IS NULL;

-- name: purge_body_list
-- Bodies of the destroyed documents of an order: their own, those made of them, scans of papers ('': it had none).
SELECT message_id, sha256, purged_at FROM purge_document WHERE purge_id = :purge AND purged_at IS NOT NULL
UNION ALL
SELECT r.message_id, r.sha256, d.purged_at FROM purge_document AS d JOIN rendition AS r ON r.message_id = d.message_id
WHERE d.purge_id = :purge AND d.purged_at IS NOT NULL
UNION ALL
SELECT entry_id, sha256, purged_at FROM purge_paper WHERE purge_id = :purge AND purged_at IS NOT NULL;

-- name: purge_paper_candidates
-- Some lines of registers: id, office, digest of the scan, whether it is a paper, whether an order has it.
SELECT e.id, e.office_id, COALESCE(f.sha256, ''), e.message_id IS NULL AND (e.direction = 'in' OR e.voided_at IS NOT NULL),
       EXISTS (SELECT 1 FROM purge_paper AS d JOIN purge AS p ON p.id = d.purge_id
               WHERE d.entry_id = e.id AND (p.ended_at IS NULL OR d.purged_at IS NOT NULL))
FROM desk_entry AS e LEFT JOIN desk_file AS f ON f.id = e.scan_id
WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id;

-- name: purge_paper_insert
-- A paper that an order is for: order, line, digest of its scan.
INSERT INTO purge_paper (purge_id, entry_id, sha256) VALUES (?, ?, ?);

-- name: purge_paper_list
-- The papers of an order: line, digest of the scan, since when nobody is given it.
SELECT entry_id, sha256, purged_at FROM purge_paper WHERE purge_id = ? ORDER BY entry_id;

-- name: purge_paper_mark
-- Nobody is given a byte of it from now on.
UPDATE purge_paper SET purged_at = :now, salt = :salt
WHERE purge_id = :purge AND entry_id = :entry AND purged_at IS NULL RETURNING sha256;

-- name: purge_find_of_papers
-- Which of some lines are destroyed.
SELECT entry_id FROM purge_paper WHERE entry_id IN (SELECT value FROM json_each(?)) AND purged_at IS NOT NULL;

-- name: entry_find_by_number
-- The line of an incoming document by its number: office's code, number, year.
SELECT e.id FROM desk_entry AS e JOIN agency_code AS c ON c.agency_id = e.office_id
WHERE c.code = ? AND e.direction = 'in' AND e.number = ? AND e.year = ?;

-- name: entry_read_texts
-- What of a line is free text, after its office and scan.
SELECT office_id, scan_id, issuer, type_name, subject, signer, recipients, receiver, note, COALESCE(voided_why, '')
FROM desk_entry WHERE id = ?;

-- name: entry_blank_texts
-- Leave none of it.
UPDATE desk_entry SET issuer = '', type_name = '', subject = '', signer = '', recipients = '', receiver = '', note = '',
    voided_why = CASE WHEN voided_at IS NULL THEN NULL ELSE '' END
WHERE id = ? RETURNING id;

-- name: entry_forget_scan
-- It has no scan any more.
UPDATE desk_entry SET scan_id = NULL WHERE id = ? RETURNING id;

-- name: entry_blank_words
-- What offices wrote beside the lines of a document that is destroyed.
UPDATE desk_entry SET receiver = '', note = '', voided_why = CASE WHEN voided_at IS NULL THEN NULL ELSE '' END
WHERE message_id = ?;

-- name: purge_find_of_messages
-- Which of some messages are destroyed: message, order, digest, since when.
SELECT message_id, purge_id, sha256, purged_at FROM purge_document
WHERE message_id IN (SELECT value FROM json_each(?)) AND purged_at IS NOT NULL;

-- name: purge_find_of_body
-- Whether a document with these bytes is destroyed.
SELECT 1 FROM purge_document WHERE sha256 = ? AND purged_at IS NOT NULL LIMIT 1;

-- name: purge_list_open_of_messages
-- Open orders that some messages are in: message and order.
SELECT d.message_id, d.purge_id FROM purge_document AS d JOIN purge AS p ON p.id = d.purge_id
WHERE d.message_id IN (SELECT value FROM json_each(?)) AND (p.ended_at IS NULL OR d.purged_at IS NOT NULL);

-- name: purged_list_page
-- A page of what was ever destroyed, by id: message or line, digest, order, since when, whether free text went too,
-- whether it is a paper.
SELECT message_id, sha256, purge_id, purged_at, salt IS NOT NULL, 0 FROM purge_document
WHERE purged_at IS NOT NULL AND message_id > :after
UNION ALL
SELECT entry_id, sha256, purge_id, purged_at, salt IS NOT NULL, 1 FROM purge_paper
WHERE purged_at IS NOT NULL AND entry_id > :after
ORDER BY 1 LIMIT :limit;

-- name: purge_remain_forget
-- What remained of an order at the last look.
DELETE FROM purge_remain WHERE purge_id = ?;

-- name: purge_remain_begin
-- Files of it are about to go: order, since when; in the place of any number of them.
INSERT INTO purge_remain (purge_id, place, sha256, why, since) VALUES (?, 'files', '', 'they are being removed', ?)
ON CONFLICT DO NOTHING RETURNING place;

-- name: purge_remain_insert
-- What remains of it: order, place, digest, why, since when.
INSERT INTO purge_remain (purge_id, place, sha256, why, since) VALUES (?, ?, ?, ?, ?);

-- name: purge_remain_list
-- What remains of an order, and since when.
SELECT place, sha256, why, since FROM purge_remain WHERE purge_id = ? ORDER BY place, sha256;

-- name: purge_remain_count
-- In how many places something of any order remains.
SELECT COUNT(*) FROM purge_remain;

-- name: message_read_purging
-- What an order must know of some messages: id, kind, digest.
SELECT id, kind, sha256 FROM message WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id;

-- name: message_read_texts
-- What of a message is free text: envelope, findings.
SELECT envelope, findings FROM message WHERE id = ?;

-- name: message_blank_texts
-- Leave no free text of a document that is destroyed by an order that says so.
UPDATE message SET subject = '', subject_folded = '', envelope = :envelope, findings = :findings
WHERE id = :id AND EXISTS (
    SELECT 1 FROM purge_document AS d JOIN purge AS p ON p.id = d.purge_id
    WHERE d.message_id = :id AND d.purged_at IS NOT NULL AND p.with_envelope = 1
);

-- name: delivery_blank_details
-- Leave no words about the deliveries of a document.
UPDATE delivery SET detail = NULL WHERE message_id = ? AND detail IS NOT NULL;

-- name: attempt_blank_details
-- Likewise about each try; the facts of its peer stay.
UPDATE attempt SET detail = NULL
WHERE detail IS NOT NULL AND dispatch_id IN (SELECT id FROM dispatch WHERE message_id = ?);

-- name: alert_attempt_blank_details
-- Likewise about the mails and calls that told of it; those that told of several documents, too.
UPDATE alert_attempt SET detail = NULL
WHERE detail IS NOT NULL AND id IN (
    SELECT a.attempt_id FROM alert AS a JOIN delivery AS d ON d.id = a.delivery_id WHERE d.message_id = ?);

-- name: replay_blank_details
-- Likewise about sending it again to a webhook.
UPDATE replay SET detail = NULL
WHERE detail IS NOT NULL AND delivery_id IN (SELECT id FROM delivery WHERE message_id = ?);

-- name: offer_blank_findings
-- Likewise what an entry of a peer's list was found to hold.
UPDATE offer SET findings = '[]'
WHERE sha256 = (SELECT sha256 FROM message WHERE id = ?1) AND message_id = ?1 AND findings IS NOT NULL;

-- name: message_list_unfinished
-- Which of some messages somebody may be sent yet, is sent again, or which are not examined yet.
SELECT message_id FROM delivery WHERE message_id IN (SELECT value FROM json_each(:ids))
  AND state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'quarantined')
UNION
SELECT d.message_id FROM replay AS r JOIN delivery AS d ON d.id = r.delivery_id
WHERE r.state IN ('waiting', 'sending') AND d.message_id IN (SELECT value FROM json_each(:ids))
UNION
SELECT message_id FROM check_due WHERE message_id IN (SELECT value FROM json_each(:ids));

-- name: body_list_needers
-- Who needs some bytes: of what is not destroyed, messages, their copies in other dialects, offers. Digest, message
-- ('' for an offer that became none, and for a file of the desk), and its name.
SELECT m.sha256, m.id, m.id FROM message AS m WHERE m.sha256 IN (SELECT value FROM json_each(:digests)) AND NOT EXISTS (
    SELECT 1 FROM purge_document AS d WHERE d.message_id = m.id AND d.purged_at IS NOT NULL)
UNION
SELECT r.sha256, r.message_id, r.message_id FROM rendition AS r
WHERE r.sha256 IN (SELECT value FROM json_each(:digests)) AND NOT EXISTS (
    SELECT 1 FROM purge_document AS d WHERE d.message_id = r.message_id AND d.purged_at IS NOT NULL)
UNION
SELECT f.sha256, '', 'desk file ' || f.id FROM desk_file AS f
WHERE f.sha256 IN (SELECT value FROM json_each(:digests))
UNION
SELECT o.sha256, COALESCE(o.message_id, ''), 'offer ' || o.id FROM offer AS o
WHERE o.sha256 IN (SELECT value FROM json_each(:digests)) AND NOT EXISTS (
    SELECT 1 FROM purge_document AS d WHERE d.message_id = o.message_id AND d.purged_at IS NOT NULL);

-- name: rendition_list_of_message
-- The digests of its copies in other dialects.
SELECT sha256 FROM rendition WHERE message_id = ?;

-- name: document_list_accepted_before
-- A page of documents that were accepted up to an instant and are in no order: id, instant, business and document type.
SELECT m.id, m.accepted_at, m.business_type, COALESCE(m.envelope ->> 'doc_type', '') FROM message AS m
WHERE m.kind = 'document' AND m.accepted_at <= :before AND (m.accepted_at, m.id) > (:after, :after_id) AND NOT EXISTS (
    SELECT 1 FROM purge_document AS d JOIN purge AS p ON p.id = d.purge_id
    WHERE d.message_id = m.id AND (p.ended_at IS NULL OR d.purged_at IS NOT NULL))
ORDER BY m.accepted_at, m.id LIMIT :limit;

-- name: event_list_purged
-- That a message was destroyed by order: number and leaf of the events.
SELECT seq, leaf FROM event WHERE message_id = ? AND kind = 'body.purged';

-- name: retained_insert
-- It must not be destroyed.
INSERT INTO retained (id, message_id, ref, reason, added_at, added_by) VALUES (?, ?, ?, ?, ?, ?);

-- name: retained_end_if_open
-- It may be, as far as this goes.
UPDATE retained SET ended_at = :now, ended_by = :actor WHERE id = :id AND ended_at IS NULL RETURNING message_id;

-- name: retained_list_some
-- What must not be destroyed, newest first: the open ones, or all; with the document's number.
SELECT r.id, r.message_id, r.ref, r.reason, r.added_at, r.added_by, r.ended_at, COALESCE(r.ended_by, ''),
       m.code_number, m.code_notation
FROM retained AS r JOIN message AS m ON m.id = r.message_id
WHERE :all OR r.ended_at IS NULL ORDER BY r.added_at DESC, r.id DESC;

-- name: retained_find_of_messages
-- Which of some messages must not be destroyed: message and by what.
SELECT message_id, id FROM retained WHERE ended_at IS NULL AND message_id IN (SELECT value FROM json_each(?));

-- name: purge_content_list
-- The digests of the attachments of an order's destroyed documents.
SELECT a.value ->> 'sha256' FROM purge_document AS d JOIN message AS m ON m.id = d.message_id
JOIN json_each(m.envelope, '$.attachments') AS a WHERE d.purge_id = ? AND d.purged_at IS NOT NULL;

-- name: retained_find_by_id
-- Entries whose id begins or ends so.
SELECT id FROM retained WHERE id = :id OR substr(id, -length(:id)) = :id OR substr(id, 1, length(:id)) = :id;
