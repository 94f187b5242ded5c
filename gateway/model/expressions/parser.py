"""The syntax of expressions (expression.py): text becomes a tree. Pure.

    expression = part *( "+" part )
    part       = text / attribute / call / "(" expression ")"
    call       = function "(" [ argument *( "," argument ) ] ")"
    argument   = expression / number
    text       = "'" … "'" / '"' … '"'        a quote inside is written twice; a backslash is only itself
    attribute  = name / "{" … "}"             a name is letters, digits and _ . ; - with a letter or _ first; braces take any
    number     = ["-"] 1*DIGIT

Every error names the column, from 1, and the cure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

MAX_CHARACTERS: Final = 1_000  # a few lines; longer rules belong into the source
MAX_DEPTH: Final = 20  # nested brackets: far below the depth of Python's own stack

_TOKEN: Final = re.compile(
    r"""\s*(?: (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*") | \{(?P<braced>[^{}]*)\} | (?P<name>[^\W\d][\w.;-]*)
    | (?P<number>-?\d+) | (?P<sign>[(),+]) | (?P<end>$) )""",
    re.VERBOSE,
)
_UNCLOSED: Final = {
    "'": "the text that begins here does not end; close it with '",
    '"': 'the text that begins here does not end; close it with "',
    "{": "the attribute that begins here does not end; close it with }",
}


class ExpressionSyntaxError(ValueError):
    """A syntax error: a sentence with the column and the cure; the caller adds file, table and key."""

    def __init__(self, column: int, what: str) -> None:
        super().__init__(f"column {column}: {what}")


@dataclass(frozen=True, slots=True)
class Text:
    """A literal."""

    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A literal whole number; only an argument can be one."""

    column: int
    number: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """The values of an attribute, or of a column of a file."""

    column: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; its name is not checked here."""

    column: int
    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """A concatenation of two or more parts."""

    column: int
    parts: tuple["Node", ...]


Node: TypeAlias = Text | Number | Attribute | Call | Sum


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str) -> Node:
    """Return the tree of the expression. Raises ExpressionSyntaxError."""
    if len(text) > MAX_CHARACTERS:
        what = f"an expression has at most {MAX_CHARACTERS} characters; make it shorter"
        raise ExpressionSyntaxError(MAX_CHARACTERS + 1, what)
    reader = _Reader(list(_tokens(text)))
    node = reader.expression(0)
    reader.expect("end", "", "write + between two parts, or a function around them")
    return node


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            what = _UNCLOSED.get(text[at], f"{text[at]!r} has no meaning here; a text needs quotes")
            raise ExpressionSyntaxError(at + 1, what)
        kind = found.lastgroup or "end"
        yield _Token(kind, found[kind], found.start(kind) + 1)
        if kind == "end":
            return
        at = found.end()


class _Reader:
    """A recursive-descent parser over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def expression(self, depth: int) -> Node:
        first = self._tokens[self._at]
        if depth > MAX_DEPTH:
            raise ExpressionSyntaxError(first.column, f"brackets are at most {MAX_DEPTH} deep; make it simpler")
        parts = [self._part(depth)]
        while self._takes("sign", "+"):
            parts.append(self._part(depth))
        for part in parts:
            if isinstance(part, Number) and len(parts) > 1:
                raise ExpressionSyntaxError(part.column, f"a number cannot be put together with texts; write '{part.number}'")
        return parts[0] if len(parts) == 1 else Sum(first.column, tuple(parts))

    def expect(self, kind: str, text: str, cure: str) -> None:
        token = self._tokens[self._at]
        if not self._takes(kind, text):
            raise ExpressionSyntaxError(token.column, f"{_shown(token)} is not expected here; {cure}")

    def _part(self, depth: int) -> Node:
        token = self._tokens[self._at]
        self._at += 1
        match token.kind:
            case "text":
                quote = token.text[0]
                return Text(token.column, token.text[1:-1].replace(quote * 2, quote))
            case "number":
                return Number(token.column, int(token.text))
            case "braced":
                if not token.text.strip():
                    raise ExpressionSyntaxError(token.column, "the braces are empty; write the attribute's name between them")
                return Attribute(token.column, token.text.strip())
            case "name":
                return self._call(token, depth) if self._takes("sign", "(") else Attribute(token.column, token.text)
        if token.text == "(":
            inner = self.expression(depth + 1)
            self.expect("sign", ")", "close the bracket with )")
            return inner
        self._at -= 1
        cure = "write an attribute, a text in quotes or a function, such as lower(mail)"
        raise ExpressionSyntaxError(token.column, f"{_shown(token)} is not expected here; {cure}")

    def _call(self, name: _Token, depth: int) -> Call:
        arguments: list[Node] = []
        if not self._takes("sign", ")"):
            arguments.append(self.expression(depth + 1))
            while self._takes("sign", ","):
                arguments.append(self.expression(depth + 1))
            self.expect("sign", ")", f"put a comma between the arguments of {name.text}, and ) after the last")
        return Call(name.column, name.text, tuple(arguments))

    def _takes(self, kind: str, text: str) -> bool:
        token = self._tokens[self._at]
        if (token.kind, token.text) != (kind, text):
            return False
        self._at += 1
        return True


def _shown(token: _Token) -> str:
    return "the end" if token.kind == "end" else f'"{token.text}"'
