"""The routes of the transparency log."""

from __future__ import annotations

from typing import Final

from gateway.api import log, queries
from gateway.api.route import Route

LOG: Final = (
    Route(
        method="GET",
        path="/documents/{id}/proof",
        name="fetchProof",
        summary="Proof that its acceptance is in the transparency log",
        tag="documents",
        handler=log.fetch_proof,
        path_type=queries.ById,
        query_type=queries.ProofPart,
        produces=("text/plain", "application/json", "application/timestamp-reply"),
        problems=("proof_pending",),
        description="A file of C2SP tlog-proof, for its sender and its recipients; with the leaf and the log's "
        "public key it can be verified without us.",
    ),
    Route(
        method="GET",
        prefix="",
        path="/log/checkpoint",
        name="fetchCheckpoint",
        summary="What the log signed last",
        tag="log",
        handler=log.fetch_checkpoint,
        produces=("text/plain",),
        problems=("not_found",),
        authenticated=False,
    ),
    Route(
        method="GET",
        prefix="",
        path="/log/institution",
        name="fetchInstitution",
        summary="The newest checkpoint that the institution's key signed, as the log signed it",
        tag="log",
        handler=log.fetch_institution,
        produces=("text/plain",),
        problems=("not_found",),
        authenticated=False,
    ),
    Route(
        method="GET",
        prefix="",
        path="/log/institution.p7s",
        name="fetchInstitutionSignature",
        summary="That signature: detached CMS over those bytes",
        tag="log",
        handler=log.fetch_institution_signature,
        produces=("application/pkcs7-signature",),
        problems=("not_found",),
        authenticated=False,
    ),
    Route(
        method="GET",
        prefix="",
        path="/log/tile/{tile}",
        pattern="/log/tile/{tile:.+}",
        name="fetchTile",
        summary="Hashes of the tree, as C2SP tlog-tiles has them; no entries",
        tag="log",
        handler=log.fetch_tile,
        path_type=queries.ByTile,
        produces=("application/octet-stream",),
        authenticated=False,
    ),
)
