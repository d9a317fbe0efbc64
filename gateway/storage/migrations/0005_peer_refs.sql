-- Which delivery has a peer's id is found without going through all that went to that peer.

CREATE INDEX delivery_by_peer_ref ON delivery (endpoint_id, peer_ref) WHERE peer_ref IS NOT NULL;
