"""The outermost tags of a message: declaration, root and envelope, with the dialect's namespaces.

Both dialects bind the default namespace on the root and the prefix `edXML` to the same URI one level below:
receivers that compare names with prefixes rely on exactly this.
"""

from __future__ import annotations

from gateway.edxml.envelope import Dialect
from gateway.edxml.markup import NAMESPACE, Markup
from gateway.edxml.profiles import Profile

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMA_INSTANCE = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)


def open_envelope(markup: Markup, profile: Profile) -> None:
    """Everything before the header."""
    extra = _SCHEMA_INSTANCE if profile.dialect is Dialect.B else ""
    markup.raw(f'{_DECLARATION}<edXML xmlns="{NAMESPACE}"{extra}>')
    markup.open("edXMLEnvelope", f' xmlns:edXML="{NAMESPACE}"')


def close_envelope(markup: Markup) -> None:
    """The envelope's end; attachments may follow before the root's."""
    markup.close("edXMLEnvelope")
