-- name: paper_list_of_deliveries
-- Documents of offices with a folder that wait for a person or have failed, of which the office has no paper yet and
-- gets no status: endpoints that take papers, whether the gateway itself sends statuses, since when. The office is
-- the one that brought the document, else the one that stands in it.
WITH found AS (
    SELECT d.id, d.message_id, d.recipient_code, d.state, d.reason, d.detail, d.state_at, d.told_at,
           a.endpoint_id AS sender_endpoint_id,
           COALESCE((SELECT o.endpoint_id FROM offer AS o
                     WHERE o.sha256 = m.sha256 AND o.message_id = m.id
                       AND o.endpoint_id IN (SELECT value FROM json_each(:endpoints)) LIMIT 1),
                    a.endpoint_id) AS endpoint_id
    FROM delivery AS d INDEXED BY delivery_open
    CROSS JOIN message AS m ON m.id = d.message_id
    JOIN agency AS a ON a.id = m.sender_id
    WHERE d.state IN ('held', 'quarantined', 'dead', 'refused') AND d.state_at > :since
      AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
      AND m.kind = 'document'
      AND NOT EXISTS (SELECT 1 FROM paper AS p WHERE p.about = d.id AND p.fact = d.state || ' ' || d.state_at)
)
SELECT f.endpoint_id, f.message_id, f.state, COALESCE(f.reason, ''), COALESCE(f.detail, ''), f.id, f.recipient_code,
       f.state_at, m.document_ref, COALESCE(m.envelope ->> '$.code_number', ''),
       COALESCE(m.envelope ->> '$.code_notation', ''), COALESCE(m.envelope ->> '$.subject', '')
FROM found AS f JOIN message AS m ON m.id = f.message_id JOIN endpoint AS e ON e.id = f.endpoint_id
WHERE f.endpoint_id IN (SELECT value FROM json_each(:endpoints))
  AND (f.state IN ('held', 'quarantined')
       OR ((f.told_at IS NULL OR f.told_at < f.state_at)
           AND NOT (:announced AND f.sender_endpoint_id IS e.id AND (e.capabilities ->> '$.outcomes') IS 1)))
LIMIT 500;

-- name: paper_list_of_offers
-- What an office put into its folder that could not be taken up since then, unless it has a paper: endpoints, before.
SELECT o.endpoint_id, o.id, o.ref, o.failure
FROM offer AS o INDEXED BY offer_listed
WHERE o.endpoint_id IN (SELECT value FROM json_each(:endpoints)) AND o.gone_at IS NULL AND o.message_id IS NULL
  AND o.acknowledged_at IS NULL AND o.left_at IS NULL AND o.failure IS NOT NULL AND o.first_seen_at < :before
  AND NOT EXISTS (SELECT 1 FROM paper AS p WHERE p.about = o.id AND p.fact = o.failure)
LIMIT 500;

-- name: paper_insert
-- The office has it: about, fact, at.
INSERT INTO paper (about, fact, told_at) VALUES (?, ?, ?) ON CONFLICT (about, fact) DO NOTHING;
