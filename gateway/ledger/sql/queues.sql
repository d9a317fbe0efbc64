-- name: delivery_list_shown
-- Deliveries by id as lists for people show them.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, COALESCE(d.reason, ''), COALESCE(d.detail, ''),
       d.state_at, COALESCE(d.business_status, ''), m.kind, m.sender_id, m.sender_code, m.code_number, m.code_notation,
       m.promulgated_on, m.subject, m.priority
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.id IN (SELECT value FROM json_each(?));

-- name: delivery_list_candidates
-- Lines of documents with one of these numbers that a status may be about: to those that the reporter speaks for first,
-- then of one sender; newest first: numbers, reporters, sender, since (of acceptance), limit. No others are looked at.
SELECT id FROM (
    SELECT d.seq, d.id, 1 AS is_other
    FROM json_each(:numbers) AS n
    CROSS JOIN message AS m INDEXED BY message_by_number ON m.code_number = n.value
    CROSS JOIN delivery AS d ON d.message_id = m.id
    WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.sender_id = :sender
    UNION ALL
    SELECT d.seq, d.id, 0 AS is_other
    FROM json_each(:numbers) AS n
    CROSS JOIN message AS m INDEXED BY message_by_number ON m.code_number = n.value
    CROSS JOIN json_each(:reporters) AS r
    CROSS JOIN delivery AS d ON d.message_id = m.id AND d.recipient_id = r.value
    WHERE m.kind = 'document' AND m.accepted_at >= :since)
GROUP BY id ORDER BY min(is_other), seq DESC LIMIT :limit;

-- name: delivery_list_at_closed
-- Lines that are not through, to agencies that have closed; oldest first: now, limit.
SELECT d.id FROM agency AS a
CROSS JOIN json_each('["deferred", "held", "dead", "refused"]') AS s
CROSS JOIN delivery AS d INDEXED BY delivery_by_recipient_state ON d.recipient_id = a.id AND d.state = s.value
WHERE a.closed_at <= :now AND d.state NOT IN ('queued', 'in_flight')
  AND NOT EXISTS (SELECT 1 FROM settled AS x WHERE x.kind = 'misrouted' AND x.subject = d.id)
UNION ALL
SELECT d.id FROM agency AS a
CROSS JOIN delivery AS d INDEXED BY delivery_inbox_open ON d.recipient_id = a.id
WHERE a.closed_at <= :now AND d.in_inbox = 1 AND d.state IN ('queued', 'in_flight') AND d.state = 'queued'
  AND NOT EXISTS (SELECT 1 FROM settled AS x WHERE x.kind = 'misrouted' AND x.subject = d.id)
LIMIT :limit;

-- name: delivery_list_returned
-- Lines that their recipient returned (02) and nobody has dealt with, and what it said; newest first: since, limit.
SELECT d.id, COALESCE((SELECT s.description FROM status AS s WHERE s.delivery_id = d.id AND s.code = '02'
                       ORDER BY s.recorded_at DESC LIMIT 1), '')
FROM delivery AS d INDEXED BY delivery_returned
WHERE d.business_status = '02' AND d.state_at >= :since
  AND NOT EXISTS (SELECT 1 FROM settled AS x WHERE x.kind = 'misrouted' AND x.subject = d.id)
ORDER BY d.state_at DESC LIMIT :limit;

-- name: delivery_list_quarantined
-- Lines that are kept whole for a person; newest first: limit.
SELECT d.id FROM delivery AS d INDEXED BY delivery_open
WHERE d.state = 'quarantined' AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
ORDER BY d.state_at DESC LIMIT ?;

-- name: event_list_conflicts
-- Documents that came with the business key of another one and other content, and nobody has dealt with; newest first:
-- newer document, older one, when, number with notation, sender, subjects of both: limit.
SELECT e.message_id, COALESCE(e.leaf ->> '$.facts.other', ''), e.at, n.code_number || '/' || n.code_notation, n.sender_code,
       n.subject, COALESCE(o.subject, '')
FROM event AS e INDEXED BY event_of_conflicts JOIN message AS n ON n.id = e.message_id
LEFT JOIN message AS o ON o.id = e.leaf ->> '$.facts.other'
WHERE e.kind = 'document.conflicted'
  AND NOT EXISTS (SELECT 1 FROM settled AS x WHERE x.kind = 'conflict' AND x.subject = e.message_id)
ORDER BY e.seq DESC LIMIT ?;

-- name: status_list_flagged
-- Statuses that contradict what was reported before, and nobody has dealt with; newest first: limit.
SELECT s.id, s.message_id, s.delivery_id, s.code, s.flag, s.recorded_at, s.description
FROM status AS s INDEXED BY status_flagged
WHERE s.flag IS NOT NULL AND s.delivery_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM settled AS x WHERE x.kind = 'flag' AND x.subject = s.id)
ORDER BY s.recorded_at DESC LIMIT ?;

-- name: settled_insert_new
-- Somebody has dealt with it; nothing where somebody had before.
INSERT INTO settled (kind, subject, at, by, why) VALUES (:kind, :subject, :at, :by, :why)
ON CONFLICT DO NOTHING RETURNING subject;
