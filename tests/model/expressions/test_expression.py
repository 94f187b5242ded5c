"""Expressions: what each function gives, values that are several or none, complaints with their column, and every limit."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.expressions import expression as expressions
from gateway.model.expressions import regex_replace
from gateway.model.expressions.expression import (
    FUNCTIONS,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    ExpressionSyntaxError,
)
from gateway.model.objects import Attributes, Value

ADA: Attributes = {
    "uid": ("ada",),
    "givenName": ("Ada",),
    "sn": ("Lovelace", "King"),
    "mail": ("Ada@X.Example", "countess@y.example"),
    "cn;lang-zh": ("陶晓明",),
    "Personal-Nr.": ("00042",),
    "photo": (b"\xff\xd8", b"\xff\xd9"),
    "empty": (),
    "blank": ("",),
    "padded": ("  Ada\t",),
}


def computed(text: str, attributes: Attributes = ADA) -> tuple[Value, ...]:
    return expressions.compile(text)(attributes)


def complaint(text: str) -> str:
    with pytest.raises(ExpressionSyntaxError) as caught:
        expressions.compile(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("uid", ("ada",)),
        ("sn", ("Lovelace", "King")),
        ("'staff'", ("staff",)),
        ("lower(split(mail, '@', 1))", ("ada", "countess")),
        ('split(mail, "@", -1)', ("X.Example", "y.example")),
        ("split(mail, '@', 3)", ()),
        ("split(mail, '@', -3)", ()),
        ("split('a;b;;c', ';')", ("a", "b", "c")),
        ("upper(first(mail))", ("ADA@X.EXAMPLE",)),
        ("trim(padded)", ("Ada",)),
        ("join(' ', givenName, sn)", ("Ada Lovelace King",)),
        ("join('', givenName, missing, empty, '!')", ("Ada!",)),
        ("join(', ', missing, empty)", ()),
        ("default(missing, blank, empty, uid)", ("ada",)),
        ("default(sn, uid)", ("Lovelace", "King")),
        ("default(missing, 'nobody')", ("nobody",)),
        ("ascii('Łódź, Müller, 陶')", ("Lodz, Muller, Tao",)),
        ("ascii({cn;lang-zh})", ("TaoXiaoMing",)),
        ("cn;lang-zh", ("陶晓明",)),
        ("replace({Personal-Nr.}, '^0+', '')", ("42",)),
        ("{ Personal-Nr. }", ("00042",)),
        ("replace('Lovelace, Ada', '^(.*), *(.*)$', '\\2 \\1')", ("Ada Lovelace",)),
        ("replace('ab', '(a)|(b)', '[\\1\\2]')", ("[a][b]",)),
        ("replace('a.b', '[.]', '\\\\')", ("a\\b",)),
        ("replace('aab', 'a', '\\0-')", ("a-a-b",)),
        ("replace('größe', 'ö|ß', '_')", ("gr__e",)),
        ("replace('öä', 'x*', '-')", ("öä",)),
        ("replace('abc', '.*', '')", ()),
        ("'it''s'", ("it's",)),
        ('"say ""hi"""', ('say "hi"',)),
        ("'a\\n'", ("a\\n",)),
        ("(uid)", ("ada",)),
        ("first", ("an attribute of that name",)),
        ("lower(first)", ("an attribute of that name",)),
    ],
)
def test_an_expression_gives(text: str, values: tuple[str, ...]) -> None:
    assert computed(text, {**ADA, "first": ("an attribute of that name",)}) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("givenName + '.' + uid", ("Ada.ada",)),
        ("uid + '@' + sn", ("ada@Lovelace", "ada@King")),
        ("sn + '/' + mail", ("Lovelace/Ada@X.Example", "King/Ada@X.Example")),
        ("uid + missing", ()),
        ("uid + empty", ()),
    ],
)
def test_parts_put_together_give_all_values_of_the_first_that_has_several(text: str, values: tuple[str, ...]) -> None:
    assert computed(text) == values


@pytest.mark.parametrize("text", ["photo", "first(photo)", "default(missing, photo)"])
def test_values_that_are_not_text_pass_through(text: str) -> None:
    assert computed(text)[0] == b"\xff\xd8"


@pytest.mark.parametrize(
    "text", ["lower(photo)", "photo + 'x'", "join('', photo)", "split(photo, 'x')", "replace(photo, 'a', 'b')"]
)
def test_values_that_are_not_text_are_no_values_for_text_functions(text: str) -> None:
    assert computed(text) == ()


def test_an_expression_knows_the_attributes_that_it_refers_to_each_once() -> None:
    expression = expressions.compile("default(lower(mail), uid + '@' + {Domain Name}, mail)")
    assert expression.names == ("mail", "uid", "Domain Name")
    assert expression == expressions.compile(expression.text)


def test_names_are_looked_up_as_the_caller_spells_them() -> None:
    expression = expressions.compile("join('-', MAIL, Mail, UID)", str.lower)
    assert expression.names == ("MAIL", "UID")
    assert expression({"mail": ("m",), "uid": ("u",)}) == ("m-m-u",)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "the end is not expected here; write an attribute"),
        ("lower(mail", 11, "the end is not expected here; put a comma"),
        ("lower(mail))", 12, '")" is not expected here'),
        ("mail uid", 6, "write + between two parts"),
        ("mail + ", 8, "the end is not expected"),
        ("  lowr(mail)", 3, "did you mean lower?"),
        ("system('x')", 1, "the functions are: join, lower"),
        ("lower(mail, uid)", 1, "lower is written like this: lower(mail)"),
        ("lower()", 1, "lower(mail)"),
        ("split(mail)", 1, "split(mail, '@', 1)"),
        ("split(mail, '@', 1, 2)", 1, "split(mail, '@', 1)"),
        ("split(mail, at, 1)", 13, "split needs a text in quotes here"),
        ("split(mail, '@', '1')", 18, "split needs a number here"),
        ("split(mail, '@', 0)", 1, "there is no piece 0"),
        ("split(mail, '', 1)", 1, "something to split at"),
        ("join(mail, uid)", 6, "join needs a text in quotes here"),
        ("mail + 'x", 8, "does not end; close it with '"),
        ('mail + "x', 8, 'does not end; close it with "'),
        ("{mail", 1, "close it with }"),
        ("{}", 2, "the braces are empty"),
        ("mail & uid", 6, "'&' has no meaning here"),
        ("mail + 1", 8, "write '1'"),
        ("5", 1, "write it as a text: '5'"),
        ("lower(5)", 7, "write it as a text: '5'"),
        ("mail + ''", 8, "an empty text is nothing"),
        ("replace(mail, '(', '')", 1, "is not a regular expression of RE2: missing ): ("),
        ("replace(mail, '(?<=a)b', '')", 1, "is not a regular expression of RE2"),
        ("replace(mail, 'a', '\\1')", 1, "\\1 is a group that the regular expression does not have"),
        ("replace(mail, 'a', '\\n')", 1, "\\n means nothing in a replacement"),
        ("__import__('os')", 1, "there is no function __import__"),
        ("mail.__class__()", 1, "there is no function mail.__class__"),
        ("[x for x in mail]", 1, "'[' has no meaning here"),
    ],
)
def test_a_complaint_names_the_column_and_the_cure(text: str, column: int, words: str) -> None:
    said = complaint(text)
    assert said.startswith(f"column {column}: ")
    assert words in said


def test_an_expression_is_at_most_so_long() -> None:
    longest = "uid" + " " * (MAX_CHARACTERS - 3)
    assert computed(longest) == ("ada",)
    assert f"at most {MAX_CHARACTERS} characters" in complaint(longest + " ")


def test_brackets_are_at_most_so_deep() -> None:
    def nested(depth: int) -> str:
        return "lower(" * depth + "uid" + ")" * depth

    assert computed(nested(MAX_DEPTH)) == ("ada",)
    assert f"at most {MAX_DEPTH} deep" in complaint(nested(MAX_DEPTH + 1))
    assert f"at most {MAX_DEPTH} deep" in complaint("(" * (MAX_CHARACTERS - 1))


@pytest.mark.parametrize("text", ["lower(x)", "x + '.'", "split(x, ';')", "join(';', x)"])
def test_more_values_than_the_limit_are_nothing(text: str) -> None:
    assert computed(text, {"x": ("v",) * MAX_VALUES})
    assert computed(text, {"x": ("v",) * (MAX_VALUES + 1)}) == ()


@pytest.mark.parametrize("text", ["split(x, ';')", "join('', split(x, ';'), split(x, ';'))"])
def test_more_values_than_the_limit_are_no_values(text: str) -> None:
    assert computed(text, {"x": (";".join("v" * (MAX_VALUES // 2)),)})
    assert computed(text, {"x": (";".join("v" * (MAX_VALUES + 1)),)}) == ()


@pytest.mark.parametrize(
    "text", ["lower(x)", "x + uid", "join('', x, uid)", "ascii(x)", "replace(x, 'x', 'y')", "split(x, ';', 1)"]
)
def test_a_longer_text_than_the_limit_is_nothing(text: str) -> None:
    assert computed(text, {"x": ("v" * (MAX_VALUE_CHARACTERS - 1),), "uid": ("u",)})
    assert computed(text, {"x": ("v" * (MAX_VALUE_CHARACTERS + 1),)}) == ()


@pytest.mark.parametrize("text", ["x + x", "join('', x, x)", "replace(x, '.', '\\0\\0')", "ascii(x)"])
def test_a_result_over_the_limit_is_no_value(text: str) -> None:
    assert computed(text, {"x": ("陶" * (MAX_VALUE_CHARACTERS // 2 + 1),)}) == ()


def test_a_replacement_stops_before_it_is_far_too_long() -> None:
    replace = regex_replace.compile_replace(".", "x" * 100, 1_000)
    assert len(replace("v" * 40)) == 4_000
    assert replace("v" * 41) == ""


def test_a_regular_expression_that_needs_too_much_memory_is_refused() -> None:
    assert "pattern too large" in complaint("replace(uid, '(((\\pL{20}){20}){2})', '')")


def test_a_regular_expression_needs_time_in_proportion_to_the_text() -> None:
    assert computed("replace(x, '(a*)*b', '')", {"x": ("a" * MAX_VALUE_CHARACTERS,)}) == ("a" * MAX_VALUE_CHARACTERS,)


@pytest.mark.parametrize("text", ["replace(x, 'a', 'b')", "ascii(x)", "lower(x) + 'a'"])
def test_half_a_surrogate_pair_raises_nothing(text: str) -> None:
    computed(text, {"x": ("a\ud800",)})


def test_a_regular_expression_that_cuts_characters_gives_nothing() -> None:
    assert computed("replace('ö', '^\\C', '')") == ()


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_example_of_every_function_is_an_expression(function: expressions.Function) -> None:
    assert expressions.compile(function.example).names


@given(st.text(alphabet="abx'\"{}(),+-1 \\;.lowersplitjoinfirstdefaultreplaceasciitrim@", max_size=60) | st.text(max_size=60))
def test_any_text_is_an_expression_or_a_complaint(text: str) -> None:
    try:
        expression = expressions.compile(text)
    except ExpressionSyntaxError as error:
        assert str(error).startswith("column ")
    else:
        assert all(expression(dict.fromkeys(expression.names, ("v",))))


_LEAVES = st.sampled_from(["x", "y", "{z z}", "'@'", "'Ä-ö'"])
_REGEXES = st.sampled_from(["a+", "[^b]", "(x)|y", "^", "\\C"])
_EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.tuples(inner, inner).map(" + ".join)
        | st.tuples(st.sampled_from(["lower", "upper", "trim", "first", "ascii"]), inner).map("{0[0]}({0[1]})".format)
        | st.lists(inner, min_size=1, max_size=3).map(lambda several: f"join('-', {', '.join(several)})")
        | st.lists(inner, min_size=1, max_size=3).map(lambda several: f"default({', '.join(several)})")
        | st.tuples(inner, st.sampled_from(["", ", 1", ", -2"])).map("split({0[0]}, '@'{0[1]})".format)
        | st.tuples(inner, st.sampled_from(["a+", "[^b]", "(x)|y", "^", "\\\\C"])).map(
            "replace({0[0]}, '{0[1]}', '\\0+')".format
        )
    ),
    max_leaves=8,
)
_VALUES = st.lists(st.text(max_size=8) | st.binary(max_size=4), max_size=4).map(tuple)


@given(_EXPRESSIONS, st.dictionaries(st.sampled_from(["x", "y", "z z"]), _VALUES))
def test_an_expression_raises_nothing_and_gives_no_empty_value(text: str, attributes: dict[str, tuple[Value, ...]]) -> None:
    assert all(expressions.compile(text)(attributes))


@pytest.mark.parametrize("example", [*(one.example for one in FUNCTIONS.values()), "uid", "'staff'", "first(Mail) + '.' + SN"])
def test_a_pickled_expression_computes_the_same(example: str) -> None:
    record: Attributes = {name.lower(): values for name, values in ADA.items()} | {"cn": ("ada  King",), "c": ("de",)}
    made = expressions.compile(example, str.lower)
    copied = pickle.loads(pickle.dumps(made))
    assert (copied, copied.names, copied(record)) == (made, made.names, made(record))
    assert copied(record) != ()
