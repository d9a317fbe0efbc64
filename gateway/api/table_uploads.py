"""The routes of resumable uploads (tus 1.0), as part of `gateway.api.table`."""

from __future__ import annotations

from typing import Final

from gateway.api import models, queries, uploads
from gateway.api.route import Header, Route
from gateway.api.table_shared import ACCEPT, ADDRESS, DIGEST, KEY, STATUS

_VERSION: Final = Header(
    name="Tus-Resumable",
    description="The version of tus.",
    schema={"type": "string", "const": uploads.VERSION},
    example=uploads.VERSION,
)
UPLOADS: Final = (
    Route(
        method="OPTIONS",
        path="/uploads",
        name="showUploads",
        summary="What the server does of tus",
        tag="uploads",
        handler=uploads.tell,
        status=204,
        produces=(),
    ),
    Route(
        method="POST",
        path="/uploads",
        name="beginUpload",
        summary="Begin an upload that may break off",
        tag="uploads",
        handler=uploads.begin,
        hands_in=True,
        description="tus 1.0. `Location` names it. Disk for all of it is kept free; it ends at `Upload-Expires`.",
        headers=(
            _VERSION,
            Header(
                name="Upload-Length",
                description="Bytes in all.",
                schema={"type": "string", "pattern": "^[0-9]{1,15}$"},
                example="20971520",
            ),
            Header(
                name="Upload-Metadata",
                description="`filename` and `filetype`, in base64, for a file of a document.",
                schema={"type": "string", "maxLength": 4096},
                example="filename Y29uZy12YW4ucGRm,filetype YXBwbGljYXRpb24vcGRm",
            ),
        ),
        status=201,
        produces=(),
        problems=("tus_version_unsupported", "body_too_large", "uploads_too_many", "disk_nearly_full"),
    ),
    Route(
        method="HEAD",
        path="/uploads/{id}",
        name="showUpload",
        summary="Where it stands: go on from Upload-Offset",
        tag="uploads",
        handler=uploads.show,
        path_type=queries.ById,
        headers=(_VERSION,),
        produces=(),
        problems=("tus_version_unsupported",),
    ),
    Route(
        method="PATCH",
        path="/uploads/{id}",
        name="appendUpload",
        summary="The next bytes; synced when it is answered",
        tag="uploads",
        handler=uploads.append,
        hands_in=True,
        path_type=queries.ById,
        raw=(uploads.OFFSET_TYPE,),
        headers=(
            _VERSION,
            Header(
                name="Upload-Offset",
                description="Where the bytes belong: the upload must stand there.",
                schema={"type": "string", "pattern": "^[0-9]{1,15}$"},
                example="0",
            ),
            DIGEST,
        ),
        status=204,
        produces=(),
        problems=("tus_version_unsupported", "upload_offset_mismatch", "upload_in_use", "disk_nearly_full"),
    ),
    Route(
        method="DELETE",
        path="/uploads/{id}",
        name="giveUpUpload",
        summary="You do not want it any more",
        tag="uploads",
        handler=uploads.give_up,
        path_type=queries.ById,
        headers=(_VERSION,),
        status=204,
        produces=(),
        problems=("tus_version_unsupported", "upload_in_use"),
    ),
    Route(
        method="POST",
        path="/submissions",
        name="submitUploads",
        summary="Submit a document of whole uploads",
        tag="uploads",
        handler=uploads.submit,
        hands_in=True,
        description="Like `POST /documents`, with the same 202. Afterwards the uploads are gone; the same request "
        "gets the same answer until they would have expired.",
        request=models.UploadedDocument,
        headers=(KEY,),
        status=202,
        response=models.Accepted,
        problems=(*ACCEPT, *ADDRESS, *STATUS, "upload_in_use", "upload_incomplete"),
    ),
)
