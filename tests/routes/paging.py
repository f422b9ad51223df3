"""Reading lists of the status API, page after page."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

API = "/api/v1"


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    """What a GET answers, which has to be a 200."""
    answer = client.get(f"{API}{path}", query_string=query or None)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "application/json"
    return answer.json


def walk(client: FlaskClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list; no page holds more than `limit` of them."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(1000):
        page = get(client, path, **query, **cursor)
        assert len(page["items"]) <= int(query.get("limit", 50))
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}
    raise AssertionError("the pages have no end")
