"""The only place that makes XML parsers.

Every parser here resolves no entity, opens no network connection and keeps libxml2's own limits (`huge_tree` off);
all but `tree_parser`, whose user looks for them, refuse DTDs. `sax_parser` streams: it keeps nothing but what its
target keeps. `small_tree` is for texts whose size is known to be small, such as a peer's reply. XML that is wrong
is a `RefusedError` with a code of `gateway.reasons`; running out of memory stays a `MemoryError`.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from gateway.errors import RefusedError

#: Codes of libxml2: invalid bytes, an unknown or undecodable encoding.
_ENCODING_ERRORS = frozenset({31, 32, 81, 6003})
#: Codes of libxml2: name too long, resource limit.
_LIMIT_ERRORS = frozenset({110, 114})
_NO_MEMORY = 2


class SaxTarget:
    """What a streaming parser calls; a subclass overrides what it needs. DTDs end the parse here."""

    def start(self, tag: str, attributes: Mapping[str, str], namespaces: Mapping[str, str]) -> None:
        """An element begins; `namespaces` are those it declares, "" being the default one."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """Some text, possibly only a part of it."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """A DTD is never taken."""
        del public, system
        raise RefusedError("xml_forbidden_construct", f"The file has a DOCTYPE ({name[:40]}).")

    def close(self) -> None:
        """The document ends, well or not."""


def sax_parser(target: SaxTarget) -> etree.XMLParser:
    """A feed parser of UTF-8 that streams into `target`; what the target raises comes out of `feed`."""
    return _feed_parser(target)


def tree_parser() -> etree.XMLParser:
    """The same that makes a tree, for what is known to be small; one that ended well may be fed again."""
    return _feed_parser(None)


def _feed_parser(target: SaxTarget | None) -> etree.XMLParser:
    return etree.XMLParser(
        target=target,  # type: ignore[arg-type]  # the stubs want `comment` too, which would only cost time
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
    )


def strict_parser() -> etree.XMLParser:
    """For a signed text: everything in the text stays in the tree, so that nothing is verified unseen."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        strip_cdata=True,
        collect_ids=False,
    )


def signed_tree(data: bytes) -> etree._Element:
    """The tree of a signed text, which is a few megabytes at most."""
    try:
        return etree.fromstring(data, strict_parser())
    except etree.XMLSyntaxError as error:
        raise syntax_refusal(error) from error


def small_tree(data: bytes, max_bytes: int) -> etree._Element:
    """The tree of a text of at most `max_bytes`."""
    if len(data) > max_bytes:
        raise RefusedError("xml_limits_exceeded", f"The XML is larger than {max_bytes} bytes.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise syntax_refusal(error) from error
    docinfo = root.getroottree().docinfo
    if docinfo is not None and docinfo.internalDTD is not None:
        raise RefusedError("xml_forbidden_construct", "The XML has a DOCTYPE.")
    return root


def syntax_refusal(error: etree.XMLSyntaxError) -> RefusedError:
    """The refusal for what libxml2 complains about; raises `MemoryError` when that was the complaint."""
    code = int(getattr(error, "code", 0) or 0)
    if code == _NO_MEMORY:
        raise MemoryError from error
    detail = str(error.msg)[:200] if error.msg else "The XML is not well-formed."
    if code in _ENCODING_ERRORS:
        return RefusedError("xml_encoding_invalid", detail)
    if code in _LIMIT_ERRORS:
        return RefusedError("xml_limits_exceeded", detail)
    return RefusedError("xml_not_wellformed", detail)
