"""Enter in a field of a form: it does the form's main thing or nothing, and never what is grave.

A browser presses the first button of the form, in the order of the page, whatever it looks like. Templates are
followed through every branch of theirs, with the macros and parts that they use, so that no case of a page is left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from jinja2 import DictLoader, Environment, PackageLoader, nodes

#: A tag of those that matter; what a template puts in is a `§`.
_TAG = re.compile(r"<(/?)(form|button|input)\b([^<>]*)>")
_BEGUN = re.compile(r"<[^<>]*$")
#: Where Enter does one of several things that buttons offer, and why that is the main one.
_MEANT = {
    "/acts/do": "the act was chosen, rehearsed and has a reason",
    'id="draft"': "it keeps the draft; to send it is chosen by its button",
}


@dataclass(frozen=True, kw_only=True)
class Form:
    """One, as a branch of its template makes it."""

    template: str
    tag: str = ""
    buttons: tuple[str, ...] = ()
    has_field: bool = False

    @property
    def id(self) -> str:
        """What buttons elsewhere on the page name it by."""
        return _of(self.tag, "id")

    def fault(self) -> str:
        """What is wrong with Enter, if something is."""
        first, main = next(iter(self.buttons), None), [each for each in self.buttons if "main" in _classes(each)]
        if first is None or not (self.has_field or self.id) or re.search(r"\bdisabled hidden\b", first):
            return ""
        if "grave" in _classes(first) or _of(first, "formaction"):
            return "Enter does what is grave, or another form's act"
        if any(key in self.tag for key in _MEANT):
            return ""
        if main and first not in main:
            return "Enter does not do the main thing"
        names = [_of(each, "name") for each in self.buttons if _of(each, "name")]
        return "Enter gives one of several answers" if len(names) > len(set(names)) else ""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Where a branch has come to: a tag that has begun, the form that is open, and those before that have an id."""

    begun: str = ""
    form: Form | None = None
    before: tuple[Form, ...] = ()


class Forms:
    """All forms of templates."""

    def __init__(self, environment: Environment) -> None:
        self._trees: dict[str, nodes.Template] = {}
        for name in environment.list_templates():
            assert environment.loader is not None
            self._trees[name] = environment.parse(environment.loader.get_source(environment, name)[0])
        #: By name; where two have the same, a call may be of either.
        self._macros: dict[str, list[nodes.Macro]] = {}
        for tree in self._trees.values():
            for macro in tree.find_all(nodes.Macro):
                self._macros.setdefault(macro.name, []).append(macro)
        self._template = ""
        self._found: set[Form] = set()
        #: Of forms of this template, in any branch.
        self._ids: set[str] = set()

    def found(self) -> set[Form]:
        """Each as each branch makes it."""
        for name, tree in self._trees.items():
            self._template, self._ids = name, set()
            for body in (tree.body, *(each.body for each in tree.find_all(nodes.Macro))):
                for seen in self._walk(body, {_Seen()}):
                    assert seen.form is None, f"{name}: a form does not end"
                    self._found.update(seen.before)
        return self._found

    def _walk(self, body: Iterable[nodes.Node], states: set[_Seen]) -> set[_Seen]:
        for node in body:
            states = self._step(node, states)
        return states

    def _step(self, node: nodes.Node, states: set[_Seen]) -> set[_Seen]:
        if ways := self._ways(node):
            return set().union(*(self._walk(way, states) for way in ways))
        if isinstance(node, nodes.TemplateData):
            return {self._read(seen, node.data) for seen in states}
        if isinstance(node, nodes.Expr):
            return {self._read(seen, "§") for seen in states}
        beside = (nodes.Macro, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Assign, nodes.AssignBlock)
        assert isinstance(node, beside), f"{self._template}: {type(node).__name__} is not followed"
        return states

    def _ways(self, node: nodes.Node) -> Sequence[Sequence[nodes.Node]]:
        """What may come of a node that has others in it; nothing where it has none."""
        ways: Sequence[Sequence[nodes.Node]] = ()
        match node:
            case nodes.Output():
                ways = [node.nodes]
            case nodes.If():
                ways = [node.body, *(each.body for each in node.elif_), node.else_]
            case nodes.For():
                ways = [node.body, node.else_]
            case nodes.Include():
                assert isinstance(node.template, nodes.Const), "which template it is must stand there"
                ways = [self._trees[node.template.value].body]
            case nodes.Block() | nodes.With() | nodes.Scope() | nodes.ScopedEvalContextModifier():
                ways = [node.body]
            case nodes.Call() if isinstance(node.node, nodes.Name):
                ways = [each.body for each in self._macros.get(node.node.name, ())]
        return ways

    def _read(self, seen: _Seen, text: str) -> _Seen:
        text = seen.begun + text
        for tag in _TAG.finditer(text):
            seen = self._take(seen, *tag.groups())
        begun = _BEGUN.search(text)
        return replace(seen, begun=begun[0] if begun and re.match(r"</?(f|b|i|$)", begun[0]) else "")

    def _take(self, seen: _Seen, ends: str, kind: str, tag: str) -> _Seen:
        form = seen.form
        if kind == "form":
            return self._end(seen) if ends else self._open(seen, tag)
        if ends or _of(tag, "type") in {"button", "hidden"}:
            return seen
        if elsewhere := _of(tag, "form"):
            return self._press(seen, elsewhere, tag) if kind == "button" else seen
        if form is None:
            return seen
        more = replace(form, has_field=True) if kind == "input" else replace(form, buttons=(*form.buttons, tag))
        return replace(seen, form=more)

    def _open(self, seen: _Seen, tag: str) -> _Seen:
        assert seen.form is None, f"{self._template}: a form in a form"
        self._ids.add(_of(tag, "id"))
        return replace(seen, form=Form(template=self._template, tag=tag))

    def _end(self, seen: _Seen) -> _Seen:
        assert seen.form is not None, f"{self._template}: a form ends that has not begun"
        if seen.form.id:
            return replace(seen, form=None, before=tuple({*seen.before, seen.form}))
        self._found.add(seen.form)
        return replace(seen, form=None)

    def _press(self, seen: _Seen, elsewhere: str, tag: str) -> _Seen:
        """A button of a form before it; in a branch without that form, the page has not got the button either."""
        if elsewhere == "§" and "§" not in self._ids:
            return seen  # an argument of a macro, which its caller's page has
        assert elsewhere in self._ids, f"{self._template}: a button before its form {elsewhere}"
        others = {each for each in seen.before if each.id == elsewhere}
        pressed = {replace(each, buttons=(*each.buttons, tag)) for each in others}
        return replace(seen, before=tuple({*seen.before} - others | pressed))


def _of(tag: str, name: str) -> str:
    found = re.search(rf'(?:^|\s){name}="([^"]*)"', tag)
    return found[1] if found else ""


def _classes(tag: str) -> list[str]:
    return _of(tag, "class").split()


def _faults(environment: Environment) -> Iterator[str]:
    for form in Forms(environment).found():
        if fault := form.fault():
            yield f"{form.template}: {_of(form.tag, 'action')}: {fault}: {form.buttons}"


def test_enter_does_the_main_thing_of_every_form_or_nothing() -> None:
    """In all templates; and each exception is one yet."""
    environment = Environment(
        loader=PackageLoader("gateway.console"), extensions=["jinja2.ext.i18n"], autoescape=True
    )
    assert not sorted(_faults(environment))
    forms = Forms(environment).found()
    assert all(any(key in form.tag for form in forms) for key in _MEANT)
    assert len({(form.template, form.tag) for form in forms}) > 80


@pytest.mark.parametrize(
    "inside",
    [
        '<button class="grave">x</button>',
        '{% if a %}<button class="grave">x</button>{% endif %}<button class="main">y</button>',
        '<button{% if a %} class="grave"{% endif %}>x</button>',
        '<button formaction="/other">x</button><button>y</button>',
        "<button>x</button>{% for each in a %}<button class='z main' {% endfor %}".replace(
            "'z main' ", '"z main">'
        ),
        '<button name="answer" value="yes">x</button><button name="answer" value="no">y</button>',
        '{{ press() }}<button class="main">x</button>',
        '{% if a %}{{ no_enter() }}{% endif %}<button class="grave">x</button>',
        '{% include "part.html" %}',
    ],
)
def test_form_whose_enter_is_wrong_in_a_branch_is_found(inside: str) -> None:
    """The test above can fail."""
    parts = (
        '{% macro press() %}<button class="grave">x</button>{% endmacro %}'
        "{% macro no_enter() %}<button disabled hidden></button>{% endmacro %}"
    )
    page = f'<form action="/x"><input name="reason">{inside}</form>'
    texts = {"page.html": page, "parts.html": parts, "part.html": '<button class="grave">x</button>'}
    assert len(list(_faults(Environment(loader=DictLoader(texts), autoescape=True)))) == 1
    texts["page.html"] = page.replace('name="reason">', 'name="reason">{{ no_enter() }}')
    assert not list(_faults(Environment(loader=DictLoader(texts), autoescape=True)))
