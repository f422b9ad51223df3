"""On which line of a TOML file each key stands: as tomllib reads the file, and where a person sees it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from webhook.toml_lines import Lines, Place, read_lines


@pytest.mark.parametrize(
    ("toml", "place", "line"),
    [
        ("a = 1", ("a",), 1),
        ("# a = 1\n\n  a = 1 # b = 1\nb = 2", ("b",), 4),
        ("[a.b]\nc = 1", ("a",), 1),
        ("[a.b]\nc = 1", ("a", "b", "c"), 2),
        ("[ a . b ] # c = 1\nc = 1", ("a", "b", "c"), 2),
        ("[[a]]\nb = 1\n[[a]]\nb = 1", ("a", 0, "b"), 2),
        ("[[a]]\nb = 1\n[[a]]\nb = 1", ("a", 1), 3),
        ("[[a]]\nb = 1\n[[a]]\nb = 1", ("a", 1, "b"), 4),
        ("[[a]]\n[[a]]\n[[a.b]]\n[a.b.c]\nd = 1", ("a", 1, "b", 0, "c", "d"), 5),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]", ("a", 1, "b"), 4),
        ("[a]\nb.c = 1\nb.d = 1", ("a", "b", "d"), 3),
        ("[a]\nb.c = 1\nb.d = 1", ("a", "b"), 2),
        ("\na = {b = 1, c.d = 2}", ("a", "c", "d"), 2),
        ("a = [\n  1,\n  # 2,\n  {b = 3},\n]\nc = 1", ("a", 1, "b"), 4),
        ("a = [\n  1,\n  # 2,\n  {b = 3},\n]\nc = 1", ("c",), 6),
        ('a = """\nb = 1\n[c]\n"""\nb = 2', ("b",), 5),
        ('a = """x""""" # ends in two quotes\nb = 2', ("b",), 2),
        ('a = """\\"""\n"""\nb = 2', ("b",), 3),
        ("a = '''\nb = 1\n'''\nb = 2", ("b",), 4),
        ("a = '''x'''''\nb = 2", ("b",), 2),
        ("a = ''\nb = \"\"\nc = 1", ("c",), 3),
        ('a = "]"\nb = "#"\nc = \'"\'\nd = 1', ("d",), 4),
        ('"a.b]" = 1\n\'c\\u\' = 1\n"\\u0064" = 1', ("a.b]",), 1),
        ('"a.b]" = 1\n\'c\\u\' = 1\n"\\u0064" = 1', ("c\\u",), 2),
        ('"a.b]" = 1\n\'c\\u\' = 1\n"\\u0064" = 1', ("d",), 3),
        ('[a."]".b]\nc = 1', ("a", "]", "b", "c"), 2),
        ("a = 1979-05-27 07:32:00 # now\r\nb = 1\r\n", ("b",), 2),
        ("a = [[1], [], [{}, {b = []}]]\nc = 1", ("a", 2, 1, "b"), 1),
    ],
)
def test_a_key_is_found_where_it_stands(toml: str, place: Place, line: int) -> None:
    assert place in set(places(tomllib.loads(toml)))
    assert read_lines(toml).of(place) == line


@pytest.mark.parametrize(
    ("place", "line"),
    [(("a", 0, "missing"), 2), (("a", 0, "b", "missing", "c"), 3), (("a", 7), 2), (("missing",), 1), ((), 1)],
)
def test_what_is_not_there_is_told_with_the_line_of_the_table_that_would_hold_it(place: Place, line: int) -> None:
    assert read_lines("\n[[a]]\nb = {}\n").of(place) == line


def test_an_empty_text_has_no_lines() -> None:
    assert read_lines("") == read_lines("\n# nothing\n") == Lines({})


@pytest.mark.parametrize(
    "text", ["=", "a", "a = ", "a = [", "a = [1", "a = [}", "a = {", "a = {b", "[", "[a", "a = {]"]
)
def test_of_what_is_no_toml_nothing_is_said(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  which one is no matter: tomllib has told what is wrong before
        read_lines(text)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in what tomllib read."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in inner:
        yield from places(item, (*at, part))


SPELLED = ("k{}", '"k {}"', '"k{}]"', "'k#{}'", '"\\u006b{}"', '"k\\"{}"', "k{}.in", "'k{}='. in")
STRINGS = ("''", '""', "'#'", '"]"', '"\\""', '"""\n[x]\ny = 1\n"""', '"""a"""""', "'''\n#\n\"\"\"'''", '"""\\""""')
PLAIN = ("1", "true", "-0.5", "1979-05-27 07:32:00", "0xff", *STRINGS)


@some.composite
def documents(draw: some.DrawFn) -> str:
    """A TOML file in which the number of every key tells it from all others."""
    number = 0

    def key() -> str:
        nonlocal number
        number += 1
        return draw(some.sampled_from(SPELLED)).format(f"_{number}_")

    def value(depth: int) -> str:
        kind = draw(some.sampled_from(("plain", "plain", "array", "table"))) if depth else "plain"
        if kind == "plain":
            return draw(some.sampled_from(PLAIN))
        count = draw(some.integers(0, 3))
        if kind == "table":
            return "{" + ", ".join(f"{key()} = {value(depth - 1)}" for _ in range(count)) + "}"
        between = draw(some.sampled_from((",", ", ", ",\n  ", " # ]\n ,\n# [\n")))
        return "[" + between.join(value(depth - 1) for _ in range(count)) + draw(some.sampled_from(("]", "\n]")))

    def pairs() -> list[str]:
        end = draw(some.sampled_from(("", " # k = 1", "\n", "\n\n  # [k]")))
        return [f"{key()} = {value(3)}{end}" for _ in range(draw(some.integers(0, 3)))]

    lines = pairs()
    for _ in range(draw(some.integers(0, 4))):
        header = key()
        inner = f"[{header}.{key()}]"
        array = [f"[[{header}]]", *pairs(), inner, f"[[{header}]]", *pairs(), inner, *pairs()]
        lines += draw(some.sampled_from((["[ " + header + " ]"], array, [inner, *pairs(), f"[[{header}.{key()}]]"])))
        lines += pairs()
    return draw(some.sampled_from(("\n", "\r\n"))).join(lines)


@settings(max_examples=300, deadline=None)
@given(documents())
def test_all_that_tomllib_reads_has_a_line_on_which_it_stands(toml: str) -> None:
    found, text = read_lines(toml), toml.replace("\r\n", "\n").split("\n")
    read = set(places(tomllib.loads(toml)))
    assert set(found.by_place) == read
    for place in read:
        numbers = [part.split("_")[1] for part in place if isinstance(part, str) and "_" in part]
        if isinstance(place[-1], str):
            assert f"_{numbers[-1]}_" in text[found.of(place) - 1]
