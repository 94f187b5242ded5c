"""The functions of expressions (expression.py): each node of the tree becomes a closure over a record's attributes. Pure.

FUNCTIONS is the complete table. A closure raises nothing, and returns no empty text."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.model.expressions.parser import Attribute, Call, ExpressionSyntaxError, Node, Number, Sum, Text
from gateway.model.expressions.regex_replace import compile_replace
from gateway.model.objects import Attributes, Value

Evaluate: TypeAlias = Callable[[Attributes], tuple[Value, ...]]
Change: TypeAlias = Callable[[str], str]

MAX_VALUES: Final = 1_000  # more than any attribute of a person has; members of groups are not computed
MAX_VALUE_CHARACTERS: Final = 10_000  # of one text; more than any name, address or description has


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `example` shows all its arguments, for documentation and errors. `parameters`: "values" (an expression),
    "text" (a literal in quotes), "number" (a literal); the last one may be left out (`optional`) or repeated (`repeats`).
    `build` takes a closure, a text or a number for each argument, and may raise ValueError with a sentence."""

    example: str
    parameters: tuple[str, ...]
    build: Callable[..., Evaluate]
    optional: bool = False
    repeats: bool = False


def evaluator(node: Node, fold: Change) -> Evaluate:
    """Return the closure that computes `node`; attributes are looked up by `fold` of their names. Raises
    ExpressionSyntaxError."""
    match node:
        case Text():
            if not node.text:
                raise ExpressionSyntaxError(node.column, "an empty text is nothing; leave it out")
            constant = (node.text,)
            return lambda _: constant
        case Number():
            raise ExpressionSyntaxError(node.column, f"a number is no value; write it as a text: '{node.number}'")
        case Attribute():
            return _attribute(fold(node.name))
        case Sum():
            return _sum([evaluator(part, fold) for part in node.parts])
        case Call():
            return _call(node, fold)


def _call(call: Call, fold: Change) -> Evaluate:
    function = FUNCTIONS.get(call.function)
    if function is None:
        near = difflib.get_close_matches(call.function.lower(), FUNCTIONS, 1)
        cure = f"did you mean {near[0]}?" if near else f"the functions are: {', '.join(FUNCTIONS)}"
        raise ExpressionSyntaxError(call.column, f"there is no function {call.function}; {cure}")
    parameters, given = function.parameters, call.arguments
    least = len(parameters) - function.optional
    if len(given) < least or (len(given) > len(parameters) and not function.repeats):
        raise ExpressionSyntaxError(call.column, f"{call.function} is written like this: {function.example}")
    wanted = parameters + parameters[-1:] * (len(given) - len(parameters))
    arguments = [_argument(call, kind, argument, fold) for kind, argument in zip(wanted, given, strict=False)]
    try:
        return function.build(*arguments)
    except ValueError as error:
        raise ExpressionSyntaxError(call.column, str(error)) from None


def _argument(call: Call, wanted: str, argument: Node, fold: Change) -> Evaluate | str | int:
    if wanted == "values":
        return evaluator(argument, fold)
    if wanted == "text" and isinstance(argument, Text):
        return argument.text
    if wanted == "number" and isinstance(argument, Number):
        return argument.number
    example = FUNCTIONS[call.function].example
    raise ExpressionSyntaxError(argument.column, f"{call.function} needs {_LITERALS[wanted]} here, such as {example}")


_LITERALS: Final = {"text": "a text in quotes", "number": "a number"}


def _attribute(name: str) -> Evaluate:
    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        values = attributes.get(name, ())
        return values if all(values) else tuple(filter(None, values))

    return evaluate


def _texts(values: tuple[Value, ...]) -> tuple[str, ...]:
    """Return the values that are texts of allowed length; none when there are too many."""
    if len(values) > MAX_VALUES:
        return ()
    return tuple([value for value in values if isinstance(value, str) and len(value) <= MAX_VALUE_CHARACTERS])


def _usable(texts: list[str]) -> tuple[str, ...]:
    """Return the texts without those that are empty or too long."""
    return tuple([text for text in texts if 0 < len(text) <= MAX_VALUE_CHARACTERS])


def _each(values: Evaluate, change: Change) -> Evaluate:
    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        several = values(attributes)
        if len(several) != 1:
            return _usable([change(text) for text in _texts(several)])
        value = several[0]  # the common case
        if not isinstance(value, str) or len(value) > MAX_VALUE_CHARACTERS:
            return ()
        text = change(value)
        return (text,) if 0 < len(text) <= MAX_VALUE_CHARACTERS else ()

    return evaluate


def _sum(parts: list[Evaluate]) -> Evaluate:
    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        several = -1
        columns: list[tuple[str, ...]] = []
        for part in parts:
            texts = _texts(part(attributes))
            if not texts:
                return ()
            if several < 0 and len(texts) > 1:
                several = len(columns)
            columns.append(texts)
        firsts = [texts[0] for texts in columns]
        if several < 0:
            return _usable(["".join(firsts)])
        before, after = "".join(firsts[:several]), "".join(firsts[several + 1 :])
        return _usable([before + text + after for text in columns[several]])

    return evaluate


def _join(separator: str, *parts: Evaluate) -> Evaluate:
    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        texts = [text for part in parts for text in _texts(part(attributes))]
        return _usable([separator.join(texts)]) if len(texts) <= MAX_VALUES else ()

    return evaluate


def _first(values: Evaluate) -> Evaluate:
    return lambda attributes: values(attributes)[:1]


def _default(*several: Evaluate) -> Evaluate:
    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        for values in several:
            found = values(attributes)
            if found:
                return found
        return ()

    return evaluate


def _split(values: Evaluate, separator: str, number: int | None = None) -> Evaluate:
    if not separator:
        raise ValueError("split needs something to split at; write for example split(mail, '@', 1)")
    if number == 0:
        raise ValueError("split counts pieces from 1, and from the end with -1; there is no piece 0")
    if number is not None:
        return _each(values, _piece(separator, number))

    def evaluate(attributes: Attributes) -> tuple[Value, ...]:
        pieces = [piece for text in _texts(values(attributes)) for piece in text.split(separator) if piece]
        return tuple(pieces) if len(pieces) <= MAX_VALUES else ()

    return evaluate


def _piece(separator: str, number: int) -> Change:
    index = number - 1 if number > 0 else number

    def piece(text: str) -> str:
        pieces = text.split(separator)
        return pieces[index] if -len(pieces) <= index < len(pieces) else ""

    return piece


def _replace(values: Evaluate, regex: str, replacement: str) -> Evaluate:
    return _each(values, compile_replace(regex, replacement, MAX_VALUE_CHARACTERS))


def _ascii(values: Evaluate) -> Evaluate:
    from anyascii import anyascii  # start-up time: most installations have no expression that needs it

    return _each(values, anyascii)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "join": Function("join(' ', givenName, sn)", ("text", "values"), _join, repeats=True),
    "lower": Function("lower(mail)", ("values",), lambda values: _each(values, str.lower)),
    "upper": Function("upper(c)", ("values",), lambda values: _each(values, str.upper)),
    "trim": Function("trim(cn)", ("values",), lambda values: _each(values, str.strip)),
    "first": Function("first(mail)", ("values",), _first),
    "split": Function("split(mail, '@', 1)", ("values", "text", "number"), _split, optional=True),
    "replace": Function("replace(cn, '[^a-z]+', '-')", ("values", "text", "text"), _replace),
    "ascii": Function("ascii(cn)", ("values",), _ascii),
    "default": Function("default(displayName, cn)", ("values",), _default, repeats=True),
}
