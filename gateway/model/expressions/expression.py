"""The expression language over the attributes of one record, for mappings and correlation rules.

An expression is compiled once, when the configuration is read, into a closure that raises nothing: a result that cannot be
computed is no value.

    lower(split(mail, '@', 1))                      the part before the @, in lower case
    default(displayName, join(' ', givenName, sn))  the first that has a value
    lower(ascii(first(givenName) + '.' + sn))       rene.muller
    replace({Personal-Nr.}, '^0+', '')              a column whose name is not a plain word stands in braces

A value is a list of texts, like an attribute's; nothing is a list without any:

- An attribute has the values of the record in their order; one that the record does not have is nothing. 'text' is itself.
- lower, upper, trim, ascii, replace, and split with a number change every value for itself; values that become empty go away.
- a + b: nothing as soon as one part is nothing. When parts have several values, the first such part gives all of its values
  and each other part its first: as many results as that part has values.
- join('separator', a, b, …): one text of all values of all parts; parts that are nothing are left out.
- first(x): the first value. default(a, b, …): all values of the first that is not nothing.
- split(x, 'separator', n): the n-th piece of each value, counted from 1, or from the end with -1; without n all pieces.
- replace(x, 'regex', 'replacement'): each match of the regular expression (RE2's syntax: linear time, no look-around) becomes
  the replacement, in which \\1 to \\9 are its groups, \\0 the match, \\\\ a backslash. Empty matches are passed over.
- ascii(x): every character in letters of ASCII: Ł is L, 陶 is Tao.
- Values that are not text (photos, GUIDs) pass through attributes, first and default; all else takes them for nothing.

Limits: see MAX_CHARACTERS and MAX_DEPTH (of the expression, refused), MAX_VALUES and MAX_VALUE_CHARACTERS (of what functions
take and make: beyond them a value is nothing)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.model.expressions.functions import FUNCTIONS, MAX_VALUE_CHARACTERS, MAX_VALUES, Evaluate, Function, evaluator
from gateway.model.expressions.parser import MAX_CHARACTERS, MAX_DEPTH, Attribute, Call, ExpressionSyntaxError, Node, Sum, parse
from gateway.model.objects import Attributes, Value

__all__ = [
    "FUNCTIONS",
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "MAX_VALUE_CHARACTERS",
    "Expression",
    "ExpressionSyntaxError",
    "Function",
    "compile",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Two of the same text are equal. `names`: the attributes that it refers to, each once. It is
    pickled as its text, and compiled again: worker processes are handed the configuration."""

    text: str
    names: tuple[str, ...] = field(compare=False)
    evaluate: Evaluate = field(repr=False, compare=False)
    fold: Callable[[str], str] = field(repr=False, compare=False)

    def __call__(self, attributes: Attributes) -> tuple[Value, ...]:
        """Return the values, none of them empty. An attribute that is not in the map has no value. Raises nothing."""
        return self.evaluate(attributes)

    def __reduce__(self) -> tuple[object, ...]:
        return compile, (self.text, self.fold)


def compile(text: str, fold: Callable[[str], str] = str) -> Expression:
    """Return the compiled expression. Names of attributes are looked up as `fold` spells them (`str.lower` for names without
    regard to case; one that can be pickled); `names` has them as written. Raises ExpressionSyntaxError (a ValueError): a
    sentence with the column, from 1, and the cure."""
    node = parse(text)
    names: dict[str, str] = {}
    for name in _names(node):
        names.setdefault(fold(name), name)
    return Expression(text, tuple(names.values()), evaluator(node, fold), fold)


def _names(node: Node) -> Iterator[str]:
    match node:
        case Attribute():
            yield node.name
        case Call():
            for argument in node.arguments:
                yield from _names(argument)
        case Sum():
            for part in node.parts:
                yield from _names(part)
