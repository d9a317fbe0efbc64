-- name: offer_insert_new
-- Entries of a list that were not there before; one that cannot be read has failed at once.
INSERT INTO offer (id, endpoint_id, ref, kind, sender_code, recipient_codes, claimed_at, first_seen_at, last_seen_at,
                   failure)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (endpoint_id, ref) DO NOTHING;

-- name: offer_insert_about
-- What an offered status is about: delivery, endpoint, ref.
INSERT INTO offer_about (offer_id, delivery_id)
SELECT id, ? FROM offer WHERE endpoint_id = ? AND ref = ?
ON CONFLICT (offer_id) DO NOTHING;

-- name: offer_find_refs
-- Which entries of a list are known: endpoint, refs.
SELECT ref FROM offer WHERE endpoint_id = :endpoint AND ref IN (SELECT value FROM json_each(:refs));

-- name: offer_mark_seen
-- What a list holds is there. What had gone from it and is there again was not acknowledged, whatever we noted, but
-- what a person set aside because it cannot be read stays so: endpoint, at, refs.
UPDATE offer
SET last_seen_at = :at, gone_at = NULL,
    acknowledged_at = CASE WHEN gone_at IS NULL OR failure = 'entry_unreadable' THEN acknowledged_at END,
    acknowledgements = CASE WHEN gone_at IS NULL THEN acknowledgements ELSE 0 END
WHERE endpoint_id = :endpoint AND ref IN (SELECT value FROM json_each(:refs));

-- name: offer_mark_gone
-- What a list no longer holds was acknowledged by somebody: endpoint, at, refs. The index is named here and below
-- because without statistics another one is chosen, and every look goes through all that the peer ever listed.
-- What we have accepted was acknowledged by us, and the answer, or our record of it, was lost; unless it comes back.
UPDATE offer INDEXED BY offer_listed
SET gone_at = :at,
    acknowledged_at = CASE WHEN message_id IS NULL THEN acknowledged_at ELSE COALESCE(acknowledged_at, :at) END
WHERE endpoint_id = :endpoint AND gone_at IS NULL AND ref NOT IN (SELECT value FROM json_each(:refs));

-- name: offer_open_again
-- What is listed after it was settled was put there once more, to be judged anew: endpoint, at, refs.
UPDATE offer SET acknowledged_at = NULL, failure = NULL
WHERE endpoint_id = :endpoint AND acknowledged_at < :at AND failure IS NOT 'entry_unreadable'
  AND ref IN (SELECT value FROM json_each(:refs));

-- name: offer_list_changed
-- Entries that had gone from a list and are in it again, or that it tells otherwise than before: endpoint, items
-- ([{ref, kind, sender, recipients, claimed}]).
SELECT o.id, o.ref, o.gone_at IS NOT NULL, o.fetched_at IS NOT NULL,
       o.acknowledged_at IS NOT NULL OR EXISTS (SELECT 1 FROM offer_decision AS d WHERE d.offer_id = o.id),
       o.kind <> item.value ->> 'kind' OR o.sender_code <> item.value ->> 'sender'
       OR o.recipient_codes <> item.value ->> 'recipients' OR o.claimed_at <> item.value ->> 'claimed' AS differs
FROM json_each(:items) AS item CROSS JOIN offer AS o ON o.endpoint_id = :endpoint AND o.ref = item.value ->> 'ref'
WHERE o.failure IS NOT 'entry_unreadable' AND (o.gone_at IS NOT NULL OR differs);

-- name: offer_doubt
-- Its bytes are to be compared: at, id.
UPDATE offer SET doubted_at = COALESCE(doubted_at, ?) WHERE id = ?;

-- name: offer_set_facts
-- What the list tells of it now: kind, sender, recipients, claimed, id.
UPDATE offer SET kind = ?, sender_code = ?, recipient_codes = ?, claimed_at = ?, doubted_at = NULL WHERE id = ?;

-- name: offer_replace
-- The peer has given its id to another document: at, id.
UPDATE offer SET former_ref = ref, ref = id, gone_at = :at, doubted_at = NULL
WHERE id = :id AND former_ref IS NULL RETURNING endpoint_id, former_ref, COALESCE(sha256, '');

-- name: offer_list_relisted
-- What is listed though the peer was told of it, or is to be compared: endpoint.
SELECT o.id, o.ref, COALESCE(o.sha256, ''), o.doubted_at IS NOT NULL, o.acknowledged_at IS NOT NULL,
       COALESCE(o.message_id, ''), COALESCE(d.decision, ''), COALESCE(o.reason, o.failure, '')
FROM offer AS o INDEXED BY offer_listed LEFT JOIN offer_decision AS d ON d.offer_id = o.id
WHERE o.endpoint_id = ? AND o.gone_at IS NULL AND o.failure IS NOT 'entry_unreadable'
  AND (o.doubted_at IS NOT NULL OR o.acknowledged_at < o.last_seen_at)
ORDER BY o.rowid;

-- name: offer_count_again
-- The peer said yes once more: id.
UPDATE offer SET acknowledgements = acknowledgements + 1 WHERE id = ?;

-- name: offer_count_lingering
-- Per endpoint what stays listed though its peer said yes twice, or cannot be compared, and since when the oldest does.
SELECT e.name, COUNT(*), MIN(COALESCE(o.doubted_at, o.acknowledged_at))
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.gone_at IS NULL AND (o.doubted_at IS NOT NULL OR o.acknowledgements > 0 AND o.acknowledged_at IS NOT NULL)
GROUP BY e.name;

-- name: offer_list_lingering
-- The same, one by one, as `offer_list_stuck` has them.
SELECT o.id, e.name, o.ref, o.kind, o.sender_code, o.recipient_codes, o.first_seen_at, o.acknowledgements,
       'still_listed', COALESCE(o.sha256, ''), COALESCE(o.document_ref, ''), '', '[]'
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.gone_at IS NULL AND (o.doubted_at IS NOT NULL OR o.acknowledgements > 0 AND o.acknowledged_at IS NOT NULL)
ORDER BY o.rowid;

-- name: source_note_list
-- A list was read, and ends a failure or not: endpoint, at, opens. One that ends none fails yet, or is no look at all.
INSERT INTO source (endpoint_id, began_at, polls, listed_at, looks) VALUES (:endpoint, :at, 1, :at, json_array(:at))
ON CONFLICT (endpoint_id) DO UPDATE
SET polls = polls + 1, longest_gap = max(longest_gap, :at - coalesce(listed_at, began_at)), listed_at = :at,
    failing_since = CASE WHEN :opens THEN NULL ELSE failing_since END,
    reason = CASE WHEN :opens THEN NULL ELSE reason END,
    detail = CASE WHEN :opens THEN NULL ELSE detail END,
    looks = CASE WHEN NOT :opens THEN looks ELSE json_insert(
        CASE WHEN json_array_length(looks) < 40 THEN looks ELSE json_remove(looks, '$[0]') END, '$[#]', :at) END;

-- name: source_note_failure
-- A list could not be read: endpoint, at, reason, detail.
INSERT INTO source (endpoint_id, began_at, polls, failed_polls, failing_since, reason, detail, looks)
VALUES (:endpoint, :at, 1, 1, :at, :reason, :detail, json_array(-:at))
ON CONFLICT (endpoint_id) DO UPDATE
SET polls = polls + 1, failed_polls = failed_polls + 1, failing_since = coalesce(failing_since, :at),
    reason = :reason, detail = :detail, looks = json_insert(
        CASE WHEN json_array_length(looks) < 40 THEN looks ELSE json_remove(looks, '$[0]') END, '$[#]', -:at);

-- name: source_list_looks
-- How the last looks at each list went: endpoint, when, negative where it could not be read.
SELECT endpoint_id, looks FROM source;

-- name: source_read
-- Since when the list of an endpoint cannot be read, if it cannot.
SELECT failing_since FROM source WHERE endpoint_id = ?;

-- name: source_list_all
-- How looking goes, per endpoint.
SELECT s.endpoint_id, e.name, s.began_at, s.polls, s.failed_polls, s.listed_at, s.longest_gap, s.failing_since,
       COALESCE(s.reason, ''), COALESCE(s.detail, '')
FROM source AS s JOIN endpoint AS e ON e.id = s.endpoint_id ORDER BY e.name;

-- name: offer_list_unfetched
-- What is listed and not here yet, those that failed least first; what has no id of the peer's cannot be asked for.
SELECT id, ref, kind, recipient_codes, about.delivery_id
FROM offer INDEXED BY offer_listed LEFT JOIN offer_about AS about ON about.offer_id = offer.id
WHERE endpoint_id = ? AND gone_at IS NULL AND fetched_at IS NULL AND acknowledged_at IS NULL
  AND failure IS NOT 'entry_unreadable'
ORDER BY failures, offer.rowid;

-- name: offer_list_fetched
-- What is listed and here, and was not acknowledged by us, oldest first; not what may be another document by now.
SELECT id, ref, kind, sha256, routes, left_at, message_id, COALESCE(failure, ''), about.delivery_id
FROM offer LEFT JOIN offer_about AS about ON about.offer_id = offer.id
WHERE endpoint_id = ? AND gone_at IS NULL AND fetched_at IS NOT NULL AND acknowledged_at IS NULL
  AND doubted_at IS NULL
ORDER BY offer.rowid;

-- name: delivery_list_sent_elsewhere
-- The lines of an imported document that another system has sent, and nobody has answered yet.
SELECT d.id, d.recipient_id FROM delivery AS d JOIN imported AS i ON i.message_id = d.message_id
WHERE d.message_id = ? AND i.direction = 'sent' AND d.state = 'handed_over';

-- name: offer_note_failure
-- It could not be fetched or accepted: reason, id.
UPDATE offer SET failures = failures + 1, failure = ? WHERE id = ?;

-- name: offer_fill_if_unfetched
-- Its bytes are kept.
UPDATE offer
SET fetched_at = :at, sha256 = :sha256, size = :size, document_ref = :document_ref, verdict = :verdict,
    reason = :reason, findings = :findings, routes = :routes, failure = NULL, message_id = :message
WHERE id = :id AND fetched_at IS NULL RETURNING id;

-- name: offer_set_message
-- It became a message here: message, id.
UPDATE offer SET message_id = ? WHERE id = ?;

-- name: offer_set_acknowledged
-- We told the peer that it is ours: at, id.
UPDATE offer SET acknowledged_at = ? WHERE id = ?;

-- name: offer_leave
-- What is listed for an agency now stays with the scripts: at, ids.
UPDATE offer SET left_at = ? WHERE id IN (SELECT value FROM json_each(?)) AND message_id IS NULL;

-- name: offer_take
-- What had been left to the scripts is ours after all: ids.
UPDATE offer SET left_at = NULL WHERE id IN (SELECT value FROM json_each(?)) AND message_id IS NULL;

-- name: offer_list_waiting
-- What is listed and has not become a message here, with whom it is for.
SELECT o.id, e.name, o.ref, o.kind, o.sender_code, o.recipient_codes, COALESCE(o.routes, '[]'), COALESCE(o.verdict, ''),
       COALESCE(o.reason, ''), o.first_seen_at, o.left_at
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.gone_at IS NULL AND o.message_id IS NULL ORDER BY o.rowid;

-- name: offer_list_unacknowledged
-- What became a message here and is still in the peer's list: whoever reads that list sees it again.
SELECT e.name, o.ref, o.message_id, o.recipient_codes, COALESCE(o.routes, '[]')
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.gone_at IS NULL AND o.message_id IS NOT NULL AND o.acknowledged_at IS NULL ORDER BY o.rowid;

-- name: offer_list_all
-- Everything ever offered, for the report.
SELECT endpoint_id, COALESCE(former_ref, ref), kind, sender_code, recipient_codes, first_seen_at, last_seen_at, gone_at, failures,
       COALESCE(failure, ''), fetched_at, COALESCE(sha256, ''), COALESCE(verdict, ''), COALESCE(reason, ''),
       COALESCE(routes, '[]'), left_at, COALESCE(message_id, ''), acknowledged_at
FROM offer ORDER BY rowid;

-- name: agency_find_relay
-- The agency that carries for others by an endpoint.
SELECT id FROM agency WHERE endpoint_id = ? AND kind = 'relay' AND closed_at IS NULL ORDER BY id LIMIT 1;

-- name: agency_list_of_endpoint
-- The agencies behind an endpoint, two at most: whether there is one.
SELECT id FROM agency WHERE endpoint_id = ? AND closed_at IS NULL ORDER BY id LIMIT 2;

-- name: imported_insert
-- What the files of another system claim of a message.
INSERT INTO imported (message_id, direction, ref, claimed_at, imported_at) VALUES (?, ?, ?, ?, ?);

-- name: delivery_list_open_of_agency
-- What has not come to its end for an agency: to it, and from it where an answer is still awaited.
SELECT d.id, d.message_id, 'received', d.recipient_code, d.state, COALESCE(d.business_status, ''), m.document_ref,
       m.sha256, strftime('%Y-%m-%dT%H:%M:%SZ', m.accepted_at / 1000000, 'unixepoch')
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.recipient_id = :agency
  AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
UNION ALL
SELECT d.id, d.message_id, 'sent', d.recipient_code, d.state, COALESCE(d.business_status, ''), m.document_ref,
       m.sha256, strftime('%Y-%m-%dT%H:%M:%SZ', m.accepted_at / 1000000, 'unixepoch')
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.sender_id = :agency AND m.kind = 'document' AND d.expects_status = 1
  AND d.state NOT IN ('acknowledged', 'withdrawn')
ORDER BY 2, 1;

-- name: offer_list_stuck
-- What is listed, could not be accepted, and waits for a person or for better times; endpoint's name or "".
SELECT o.id, e.name, o.ref, o.kind, o.sender_code, o.recipient_codes, o.first_seen_at, o.failures,
       COALESCE(o.failure, o.reason, ''), COALESCE(o.sha256, ''), COALESCE(o.document_ref, ''),
       COALESCE(d.decision, ''), COALESCE(o.routes, '[]')
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
LEFT JOIN offer_decision AS d ON d.offer_id = o.id
WHERE o.gone_at IS NULL AND o.message_id IS NULL AND o.left_at IS NULL
  AND (o.verdict = 'refused' OR o.failure IS NOT NULL) AND o.acknowledged_at IS NULL
ORDER BY o.rowid;

-- name: offer_count_stuck
-- How many of them per endpoint, and since when the oldest is listed.
SELECT e.name, COUNT(*), MIN(o.first_seen_at)
FROM offer AS o INDEXED BY offer_listed JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.gone_at IS NULL AND o.message_id IS NULL AND o.left_at IS NULL
  AND (o.verdict = 'refused' OR o.failure IS NOT NULL) AND o.acknowledged_at IS NULL
GROUP BY e.name;

-- name: offer_find
-- One entry by its id here, or by a channel's name and the peer's id: key, endpoint, ref.
SELECT o.id, o.endpoint_id, e.name, o.ref, o.gone_at, o.acknowledged_at, COALESCE(o.message_id, ''),
       COALESCE(o.sha256, ''), COALESCE(o.failure, '')
FROM offer AS o JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.id = :key
UNION ALL
SELECT o.id, o.endpoint_id, e.name, o.ref, o.gone_at, o.acknowledged_at, COALESCE(o.message_id, ''),
       COALESCE(o.sha256, ''), COALESCE(o.failure, '')
FROM endpoint AS e JOIN offer AS o ON o.endpoint_id = e.id
WHERE e.name = :endpoint AND o.ref = :key
LIMIT 2;

-- name: offer_decide
-- A person's decision; the last one counts until the peer was told: id, decision, at, by, why.
INSERT INTO offer_decision (offer_id, decision, decided_at, decided_by, why)
VALUES (:id, :decision, :at, :by, :why)
ON CONFLICT (offer_id) DO UPDATE SET decision = :decision, decided_at = :at, decided_by = :by, why = :why;

-- name: offer_list_decided
-- Decisions of which the peer behind an endpoint has not heard; people made them, so they are few beside its entries.
SELECT o.id, o.ref, d.decision, COALESCE(o.reason, o.failure, '')
FROM offer_decision AS d CROSS JOIN offer AS o ON o.id = d.offer_id
WHERE o.endpoint_id = ? AND o.acknowledged_at IS NULL AND o.gone_at IS NULL AND o.message_id IS NULL
  AND o.doubted_at IS NULL;

-- name: arrival_add
-- Entries came: endpoint, hour, entries.
INSERT INTO arrival (endpoint_id, hour, entries) VALUES (:endpoint, :hour, :entries)
ON CONFLICT (endpoint_id, hour) DO UPDATE SET entries = entries + :entries;

-- name: arrival_forget
-- What is too old to say what is usual: endpoint, hour.
DELETE FROM arrival WHERE endpoint_id = :endpoint AND hour < :hour;

-- name: arrival_list
-- How many entries came by a channel, hour by hour.
SELECT hour, entries FROM arrival WHERE endpoint_id = ?;

-- name: silence_note_list
-- A list was read; entries came or not, and end a silence or not: endpoint, at, came, ends.
INSERT INTO silence (endpoint_id, arrived_at) VALUES (:endpoint, :at)
ON CONFLICT (endpoint_id) DO UPDATE
SET arrived_at = CASE WHEN :came THEN :at ELSE arrived_at END,
    silent_since = CASE WHEN :ends THEN NULL ELSE silent_since END;

-- name: silence_end
-- It is over: endpoint.
UPDATE silence SET silent_since = NULL WHERE endpoint_id = ?;

-- name: canary_list_newest
-- The newest documents of our own to a code of ours by a channel: sender, recipient, endpoint.
SELECT m.id, m.accepted_at, d.state, d.state_at
FROM message AS m INDEXED BY message_by_sender JOIN delivery AS d ON d.message_id = m.id
WHERE m.sender_id = :sender AND m.kind = 'document' AND d.recipient_id = :recipient AND d.endpoint_id = :endpoint
ORDER BY m.accepted_at DESC LIMIT 20;

-- name: silence_read
-- When something last came, and since when that is too long ago.
SELECT s.arrived_at, s.silent_since, o.began_at FROM silence AS s JOIN source AS o ON o.endpoint_id = s.endpoint_id
WHERE s.endpoint_id = ?;

-- name: silence_begin_if_none
-- It is too long ago since then: at, endpoint.
UPDATE silence SET silent_since = ? WHERE endpoint_id = ? AND silent_since IS NULL RETURNING endpoint_id;

-- name: source_list_states
-- The state of each source: name, since when it cannot be read, why, last list, last arrival, silent since.
SELECT e.name, o.failing_since, COALESCE(o.reason, ''), COALESCE(o.detail, ''), o.listed_at, s.arrived_at,
       s.silent_since, o.began_at
FROM source AS o JOIN endpoint AS e ON e.id = o.endpoint_id LEFT JOIN silence AS s ON s.endpoint_id = o.endpoint_id
ORDER BY e.name;

-- name: delivery_list_relayed_between
-- What a peer took of us, with when it went out (without an answer, where a person adopted it): endpoint, first, last
-- (of acceptance).
SELECT d.id, d.message_id, d.recipient_code, d.peer_ref, d.state, COALESCE(d.business_status, ''), d.expects_status,
       m.kind, m.document_ref,
       COALESCE((SELECT MAX(a.started_at) FROM attempt AS a
                 WHERE a.dispatch_id = d.dispatch_id AND a.outcome IN ('relayed', 'delivered', 'mixed')),
                (SELECT MIN(a.started_at) FROM attempt AS a
                 WHERE a.dispatch_id = d.dispatch_id AND a.outcome = 'unknown'))
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.endpoint_id = :endpoint AND d.created_at BETWEEN :first AND :last AND d.peer_ref IS NOT NULL;

-- name: delivery_list_ambiguous
-- What may have arrived at a peer and waits for a person: endpoint.
SELECT d.id, d.message_id, d.recipient_code, m.document_ref
FROM delivery AS d INDEXED BY delivery_open JOIN message AS m ON m.id = d.message_id
WHERE d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined') AND d.state = 'held'
  AND d.endpoint_id = ? AND d.reason IN ('outcome_ambiguous', 'outcome_untraced');

-- name: offer_list_by_refs
-- What is known of the entries of a list: endpoint, refs.
SELECT ref, first_seen_at, COALESCE(message_id, ''), acknowledged_at, COALESCE(failure, reason, ''),
       COALESCE(verdict, '')
FROM offer WHERE endpoint_id = :endpoint AND ref IN (SELECT value FROM json_each(:refs));

-- name: offer_count_between
-- What came in a time: entries, those that became messages, those that the peer was told of; endpoint, first, last.
SELECT COUNT(*), COUNT(message_id), COUNT(acknowledged_at) FROM offer
WHERE endpoint_id = :endpoint AND first_seen_at BETWEEN :first AND :last;

-- name: reconciliation_insert
-- A comparison.
INSERT INTO reconciliation (id, endpoint_id, day, made_at, findings, report) VALUES (?, ?, ?, ?, ?, ?);

-- name: reconciliation_list
-- The newest comparisons: limit.
SELECT r.id, e.name, r.day, r.made_at, r.findings FROM reconciliation AS r JOIN endpoint AS e ON e.id = r.endpoint_id
ORDER BY r.id DESC LIMIT ?;

-- name: reconciliation_list_of_endpoint
-- The newest comparisons with an endpoint: endpoint, limit.
SELECT id, day, made_at, findings FROM reconciliation WHERE endpoint_id = ? ORDER BY id DESC LIMIT ?;

-- name: reconciliation_get
-- One of them, by its id or the beginning of it.
SELECT id, report FROM reconciliation WHERE id GLOB ? || '*' ORDER BY id DESC LIMIT 1;

-- name: reconciliation_list_days
-- The newest comparison of each day with an endpoint.
SELECT day, MAX(made_at), findings FROM reconciliation WHERE endpoint_id = ? GROUP BY day;

-- name: reconciliation_last
-- The newest comparison with an endpoint: when, and how many looks at its list had failed until then.
SELECT made_at, COALESCE(json_extract(report, '$.failed_looks'), 0)
FROM reconciliation WHERE endpoint_id = ? ORDER BY id DESC LIMIT 1;

-- name: source_count_failures
-- How the looks at an endpoint's list go: how many failed, since when they fail, since when it is looked at.
SELECT failed_polls, failing_since, began_at FROM source WHERE endpoint_id = ?;
