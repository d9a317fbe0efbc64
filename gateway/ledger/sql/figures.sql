-- name: figures_read_span
-- When the first and the last document of a span were accepted; NULL where there is none.
SELECT (SELECT m.accepted_at FROM message AS m INDEXED BY message_by_acceptance
        WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
        ORDER BY m.accepted_at LIMIT 1),
       (SELECT m.accepted_at FROM message AS m INDEXED BY message_by_acceptance
        WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
        ORDER BY m.accepted_at DESC LIMIT 1);

-- name: figures_count_documents
-- Documents of a span by sender, business type, type and urgency, with their lines.
SELECT m.sender_id, m.business_type, COALESCE(m.type_name, ''), m.priority, COUNT(*),
       SUM((SELECT COUNT(*) FROM delivery AS d WHERE d.message_id = m.id))
FROM message AS m INDEXED BY message_by_acceptance
WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until AND m.sandbox = 0
GROUP BY 1, 2, 3, 4;

-- name: figures_count_lines
-- Their lines by recipient, channel, business type, type, urgency, state, business status and reason: how many, how
-- many registered, seconds to arrival, seconds to registration, the days of those that arrived (since 1970, of a zone), the
-- numbers of those that were returned. Lines of before the columns: from the history.
WITH line AS (
    SELECT d.recipient_id AS recipient, d.endpoint_id AS endpoint, m.business_type AS business,
           COALESCE(m.type_name, '') AS type, m.priority AS priority, d.state AS state,
           COALESCE(d.business_status, '') AS status,
           CASE WHEN d.state IN ('refused', 'dead') THEN COALESCE(d.reason, '') ELSE '' END AS reason,
           COALESCE(d.arrived_at, CASE WHEN d.state IN ('delivered', 'acknowledged') THEN (
               SELECT MIN(e.at) FROM event AS e
               WHERE e.delivery_id = d.id
                 AND e.kind IN ('delivery.delivered', 'delivery.confirmed', 'delivery.acknowledged')
                 AND CAST(e.leaf AS TEXT) ->> '$.facts.from' <> 'handed_over') END) - d.created_at AS arrival,
           COALESCE(d.registered_at, CASE WHEN d.business_status IS NOT NULL THEN (
               SELECT MIN(s.recorded_at) FROM status AS s
               WHERE s.delivery_id = d.id AND s.code = '03') END) - d.created_at AS registration,
           (m.accepted_at + :offset) / :day AS day, d.seq AS seq
    FROM message AS m INDEXED BY message_by_acceptance
    JOIN delivery AS d ON d.message_id = m.id
    WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until AND m.sandbox = 0
)
SELECT recipient, endpoint, business, type, priority, state, status, reason, COUNT(*), COUNT(registration),
       json_group_array(arrival / 1000000) FILTER (WHERE arrival IS NOT NULL),
       json_group_array(registration / 1000000) FILTER (WHERE registration IS NOT NULL),
       json_group_array(day) FILTER (WHERE state IN ('delivered', 'acknowledged')),
       json_group_array(seq) FILTER (WHERE status = '02')
FROM line
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

-- name: figures_count_days
-- Their days (since 1970, of a zone): documents and lines. What became of the lines takes more, and is told with them.
SELECT (m.accepted_at + :offset) / :day, COUNT(*), SUM((SELECT COUNT(*) FROM delivery AS d WHERE d.message_id = m.id))
FROM message AS m INDEXED BY message_by_acceptance
WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until AND m.sandbox = 0
GROUP BY 1;

-- name: figures_list_due
-- Their lines on which an answer is due or has come: recipient, day, when it came, channel, business type, type, urgency.
WITH line AS MATERIALIZED (
    SELECT d.id AS id, d.recipient_id AS recipient, m.due_on AS due_on, d.endpoint_id AS endpoint,
           m.business_type AS business, COALESCE(m.type_name, '') AS type, m.priority AS priority,
           (SELECT w.at FROM answered AS w WHERE w.delivery_id = d.id) AS at
    FROM message AS m INDEXED BY message_by_acceptance
    JOIN delivery AS d ON d.message_id = m.id
    WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until AND m.sandbox = 0
      AND m.due_on IS NOT NULL
)
SELECT l.recipient, l.due_on, l.at, l.endpoint, l.business, l.type, l.priority FROM line AS l
WHERE l.at IS NOT NULL OR EXISTS (SELECT 1 FROM expected AS e WHERE e.delivery_id = l.id);

-- name: due_list_of_message
-- The lines of one document, likewise: message.
SELECT d.recipient_id, m.due_on, w.at, d.endpoint_id, m.business_type, COALESCE(m.type_name, ''), m.priority
FROM message AS m
JOIN delivery AS d ON d.message_id = m.id
JOIN answered AS w ON w.delivery_id = d.id
WHERE m.id = ? AND m.kind = 'document' AND m.due_on > ''
  AND (w.at IS NOT NULL OR EXISTS (SELECT 1 FROM expected AS e WHERE e.delivery_id = d.id));

-- name: due_count_unanswered
-- Offices whose answers were due on a day and have not come, among so many lines: day, limit.
SELECT w.recipient_id, COUNT(*) FROM (SELECT o.recipient_id FROM owed AS o WHERE o.due_on = :day LIMIT :limit) AS w
GROUP BY w.recipient_id ORDER BY COUNT(*) DESC, w.recipient_id;

-- name: due_list_unanswered
-- What an office has not answered of what was due on some days, the earliest first: office, days (JSON), limit.
SELECT d.message_id, o.delivery_id, o.due_on, m.code_number, m.code_notation, m.subject, m.sender_id
FROM json_each(:days) AS j
CROSS JOIN owed AS o ON o.due_on = j.value
JOIN delivery AS d ON d.id = o.delivery_id
JOIN message AS m ON m.id = d.message_id
WHERE o.recipient_id = :office
ORDER BY o.due_on, o.delivery_id LIMIT :limit;

-- name: figures_count_returned
-- What recipients said when they refused some lines (02), in their words: numbers of the lines.
SELECT s.description, COUNT(DISTINCT d.id)
FROM json_each(:lines) AS j
JOIN delivery AS d ON d.seq = j.value
JOIN status AS s ON s.delivery_id = d.id AND s.code = '02'
GROUP BY 1;
