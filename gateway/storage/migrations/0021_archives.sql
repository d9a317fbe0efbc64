-- Which months were archived, and what a receiver's proof is known by, without going through the history.
CREATE INDEX event_of_archives ON event (seq) WHERE kind = 'archive.made';
CREATE INDEX receiver_proof_by_sha256 ON receiver_proof (sha256);
