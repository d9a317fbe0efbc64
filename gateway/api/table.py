"""The routes of REST v1: the one list that registers handlers and that the OpenAPI document is made from."""

from __future__ import annotations

from typing import Final

from gateway.api import documents, inbox, lists, models, queries
from gateway.api.events import EventStreams
from gateway.api.lists import Described
from gateway.api.route import Header, Route
from gateway.api.table_shared import ACCEPT, ADDRESS, DIGEST, KEY, STATUS, XML
from gateway.api.table_uploads import UPLOADS

#: Media types of raw edXML.
_RANGE: Final = Header(
    name="Range",
    description="One range of bytes; anything else is ignored.",
    schema={"type": "string"},
    example="bytes=0-1023",
)
_LAST_EVENT: Final = Header(
    name="Last-Event-ID",
    description="The id of the last event seen; the stream goes on after it.",
    schema={"type": "string", "pattern": "^[0-9]{1,18}$"},
    example="1024",
)
_BYTES: Final = ((206, "the range asked for"), (304, "the reader has it already"))

#: What acceptance may refuse.
_ITEM: Final = ("item_leased", "state_forbids")


_DOCUMENTS: Final = (
    Route(
        method="POST",
        path="/documents",
        name="submitDocument",
        summary="Submit a document",
        tag="documents",
        handler=documents.submit,
        hands_in=True,
        description="Raw edXML of any dialect, or JSON metadata with files from which the gateway builds it. "
        "The 202 leaves only when the bytes and their ledger row are durable.",
        raw=XML,
        multipart=models.NewDocument,
        headers=(KEY, DIGEST),
        status=202,
        response=models.Accepted,
        problems=ACCEPT + ADDRESS + STATUS,
    ),
    Route(
        method="POST",
        path="/validate",
        name="validateDocument",
        summary="Check a document without sending it",
        tag="documents",
        handler=documents.validate,
        hands_in=True,
        raw=XML,
        headers=(DIGEST,),
        response=models.Validation,
        problems=("xml_not_wellformed", "parser_failed", "disk_nearly_full"),
    ),
    Route(
        method="POST",
        path="/statuses",
        name="submitStatus",
        summary="Submit a status message",
        tag="documents",
        handler=documents.submit_status,
        hands_in=True,
        raw=XML,
        headers=(KEY, DIGEST),
        status=202,
        response=models.Accepted,
        problems=ACCEPT + STATUS,
    ),
    Route(
        method="GET",
        path="/documents",
        name="listDocuments",
        summary="Your agencies' documents, newest first",
        tag="documents",
        handler=documents.list_documents,
        query_type=queries.DocumentFilter,
        response=models.DocumentPage,
    ),
    Route(
        method="GET",
        path="/documents/{id}",
        name="showDocument",
        summary="One document",
        tag="documents",
        handler=documents.show_document,
        path_type=queries.ById,
        response=models.DocumentOut,
    ),
    Route(
        method="GET",
        path="/documents/{id}/content",
        name="fetchDocument",
        summary="The bytes as received",
        tag="documents",
        handler=documents.fetch_document,
        path_type=queries.ById,
        headers=(_RANGE,),
        produces=("application/xml",),
        also=_BYTES,
        problems=("range_not_satisfiable",),
    ),
    Route(
        method="GET",
        path="/documents/{id}/receipt",
        name="fetchReceipt",
        summary="The acceptance seal",
        tag="documents",
        handler=documents.fetch_receipt,
        path_type=queries.ById,
        query_type=queries.ReceiptPart,
        produces=("application/xml", "application/json"),
    ),
    Route(
        method="GET",
        path="/documents/{id}/findings",
        name="listFindings",
        summary="What the validator noticed",
        tag="documents",
        handler=documents.list_findings,
        path_type=queries.ById,
        response=models.Findings,
    ),
    Route(
        method="GET",
        path="/documents/{id}/deliveries",
        name="listDeliveries",
        summary="Every recipient and where its delivery stands",
        tag="documents",
        handler=documents.list_deliveries,
        path_type=queries.ById,
        response=models.Deliveries,
    ),
    Route(
        method="POST",
        path="/documents/{id}/withdraw",
        name="withdrawDocument",
        summary="Take it back where it has not left",
        tag="documents",
        handler=documents.withdraw,
        path_type=queries.ById,
        request=models.Withdrawal,
        response=models.WithdrawalResult,
        problems=("already_left", "state_forbids", "recipient_unknown"),
    ),
    Route(
        method="POST",
        path="/documents/{id}/redeliver",
        name="redeliverDocument",
        summary="Deliver again, or to more recipients",
        tag="documents",
        handler=documents.redeliver,
        hands_in=True,
        path_type=queries.ById,
        request=models.Redelivery,
        response=models.Redelivered,
        problems=(*ADDRESS, "state_forbids", "quota_exceeded", "disk_nearly_full"),
    ),
)

_INBOX: Final = (
    Route(
        method="GET",
        path="/inbox",
        name="listInbox",
        summary="What waits for your agencies, oldest first",
        tag="inbox",
        handler=inbox.list_inbox,
        description="The cursor pages and never consumes: an item stays until it is acknowledged. `wait` holds "
        "the request until something comes.",
        query_type=queries.InboxFilter,
        response=models.InboxPage,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/inbox/{id}",
        name="showItem",
        summary="The envelope of one item",
        tag="inbox",
        handler=inbox.show_item,
        path_type=queries.ById,
        response=models.InboxDetail,
    ),
    Route(
        method="GET",
        path="/inbox/{id}/content",
        name="fetchItem",
        summary="Its bytes",
        tag="inbox",
        handler=inbox.fetch_item,
        path_type=queries.ById,
        query_type=queries.ByReader,
        headers=(_RANGE,),
        produces=("application/xml",),
        also=_BYTES,
        problems=("range_not_satisfiable", *_ITEM),
    ),
    Route(
        method="GET",
        path="/inbox/{id}/attachments/{number}",
        name="fetchAttachment",
        summary="One attachment, decoded",
        tag="inbox",
        handler=inbox.fetch_attachment,
        path_type=queries.ByNumber,
        query_type=queries.ByReader,
        headers=(_RANGE,),
        produces=("*/*",),
        also=_BYTES,
        problems=("range_not_satisfiable", "attachment_invalid", *_ITEM),
    ),
    Route(
        method="POST",
        path="/inbox/{id}/ack",
        name="acknowledgeItem",
        summary="You have it: it leaves the inbox",
        tag="inbox",
        handler=inbox.acknowledge,
        path_type=queries.ById,
        query_type=queries.ByReader,
        response=models.Acknowledged,
        problems=("item_not_fetched", *_ITEM),
    ),
    Route(
        method="POST",
        path="/inbox/{id}/status",
        name="answerItem",
        summary="Answer it with a status",
        tag="inbox",
        handler=inbox.answer,
        hands_in=True,
        path_type=queries.ById,
        query_type=queries.ByReader,
        request=models.NewStatus,
        headers=(KEY,),
        status=202,
        response=models.Accepted,
        problems=(*STATUS, *_ITEM, "idempotency_key_reused", "idempotency_key_in_use", "idempotency_key_invalid"),
    ),
)

_LISTS: Final = (
    Route(
        method="GET",
        path="/agencies",
        name="searchAgencies",
        summary="Search the directory",
        tag="directory",
        handler=lists.search_agencies,
        query_type=queries.AgencyFilter,
        response=models.AgencyPage,
    ),
    Route(
        method="GET",
        path="/agencies/{id}",
        name="showAgency",
        summary="One agency",
        tag="directory",
        handler=lists.show_agency,
        path_type=queries.ById,
        response=models.AgencyOut,
    ),
    Route(
        method="GET",
        path="/channels",
        name="listChannels",
        summary="The peers' channels and whether they are up",
        tag="directory",
        handler=lists.list_channels,
        response=models.Channels,
    ),
    Route(
        method="GET",
        path="/codes",
        name="listCodes",
        summary="The code lists in force",
        tag="directory",
        handler=lists.list_codes,
        response=models.Codes,
    ),
    Route(
        method="GET",
        path="/limits",
        name="showLimits",
        summary="What a request may hold",
        tag="directory",
        handler=lists.show_limits,
        response=models.Limits,
    ),
    Route(
        method="GET",
        path="/reasons",
        name="listReasons",
        summary="Every reason code",
        tag="directory",
        handler=lists.list_reasons,
        response=models.Reasons,
    ),
)

_ACCOUNTS: Final = (
    Route(
        method="POST",
        path="/enrol",
        name="enrol",
        summary="Certify a system's first key",
        tag="accounts",
        handler=lists.enrol,
        request=models.EnrolmentRequest,
        status=201,
        response=models.Certificate,
        problems=("enrolment_code_invalid", "signing_request_invalid"),
        authenticated=False,
    ),
    Route(
        method="POST",
        path="/renew",
        name="renew",
        summary="Certify its next key",
        tag="accounts",
        handler=lists.renew,
        request=models.RenewalRequest,
        status=201,
        response=models.Certificate,
        problems=("signing_request_invalid", "not_permitted"),
    ),
)


def routes(streams: EventStreams, described: Described) -> tuple[Route, ...]:
    """All of them."""
    events = Route(
        method="GET",
        path="/events",
        name="streamEvents",
        summary="Events that concern you, as they happen",
        tag="events",
        handler=streams.serve,
        query_type=queries.EventsFrom,
        headers=(_LAST_EVENT,),
        produces=("text/event-stream",),
    )
    document = Route(
        method="GET",
        path="/openapi.json",
        name="showOpenApi",
        summary="This document",
        tag="about",
        handler=described.document,
    )
    page = Route(
        method="GET",
        path="/docs",
        name="showDocs",
        summary="This document for people",
        tag="about",
        handler=described.page,
        produces=("text/html",),
    )
    return (*_DOCUMENTS, *UPLOADS, *_INBOX, *_LISTS, *_ACCOUNTS, events, document, page)
