-- Documents on which an answer is due, and urgent ones: what alarms look through.
CREATE INDEX message_due ON message (due_on) WHERE kind = 'document' AND due_on > '';
CREATE INDEX message_urgent ON message (accepted_at) WHERE kind = 'document' AND priority > 0;
