"""A page as somebody reads it: its words, its links, its forms. No test looks at classes."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Self

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

INLINE = frozenset(["b", "strong", "i", "em", "span", "code", "kbd", "time", "small", "wbr"])
UNSHOWN = frozenset({"script", "style", "title"})


class Form:
    """One form: where it goes, how, and the fields it would send as it stands."""

    def __init__(self, action: str, method: str) -> None:
        self.action, self.method = action, method
        self.fields: dict[str, str] = {}


class Reading(HTMLParser):
    """What a page says, offers and links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._unshown = 0
        self.links: dict[str, str] = {}  # href -> its words
        self._link: str | None = None
        self._typed: str | None = None  # the field whose text is being read
        self.forms: list[Form] = []
        self.feed(html)

    @classmethod
    def of(cls, answer: TestResponse) -> Self:
        """Of an answer, which has to be a page."""
        assert answer.content_type.startswith("text/html"), answer.content_type
        return cls(answer.get_data(as_text=True))

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join("".join(self._parts).split())

    def form(self, action: str) -> Form:
        """The first form that goes there."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form goes to {action}, only to {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what begins."""
        given = {name: value or "" for name, value in attrs}
        if tag not in INLINE:
            self._parts.append(" ")
        self._unshown += tag in UNSHOWN
        if tag == "a":
            self._link = given.get("href", "")
            self.links.setdefault(self._link, "")
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        self._typed = given.get("name") if tag == "textarea" else None
        if tag in ("input", "textarea") and self.forms and given.get("name"):
            checked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if checked:
                self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Notes what ends."""
        self._unshown -= tag in UNSHOWN
        if tag == "a":
            self._link = None
        if tag == "textarea":
            self._typed = None
        if tag not in INLINE:
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        """Notes what is said."""
        if not self._unshown:
            self._parts.append(data)
        if self._typed is not None:
            self.forms[-1].fields[self._typed] += data
        if self._link is not None:
            self.links[self._link] = " ".join(f"{self.links[self._link]} {data}".split())


def look(client: FlaskClient, path: str) -> Reading:
    """The page at `path`, which has to be there."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Reading.of(answer)


def send(client: FlaskClient, form: Form, **changes: str) -> TestResponse:
    """What the form answers, with what it carries and what somebody filled in."""
    return client.post(form.action, data=form.fields | changes)
