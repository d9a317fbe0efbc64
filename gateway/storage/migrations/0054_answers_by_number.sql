-- Replies that bear no DocumentId of what they answer are found by its number, issuer and day.
ALTER TABLE message ADD COLUMN answers_number TEXT GENERATED ALWAYS AS (
    CASE WHEN COALESCE(envelope ->> '$.responses_for[0].document_id', '') = ''
         THEN replace(envelope ->> '$.responses_for[0].code', ' ', '') || '|'
              || COALESCE(envelope ->> '$.responses_for[0].organ_id', '') || '|'
              || COALESCE(envelope ->> '$.responses_for[0].promulgation_date', '') END) VIRTUAL;
CREATE INDEX message_by_answered_number ON message (answers_number) WHERE kind = 'document' AND answers_number > '';
