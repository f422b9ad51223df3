"""What PagerDuty publishes of its Events API v2, as a JSON Schema, and a check of requests against it."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

LARGEST = 512 * 1024  # bytes of a request
PATH = "/v2/enqueue"
SHOWN = {"type": "string", "minLength": 1}
TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {**SHOWN, "maxLength": 1024},
                "source": SHOWN,
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "pattern": TIME},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
            "additionalProperties": False,
        },
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "properties": {"href": {"type": "string", "format": "uri"}, "text": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["src"],
                "properties": {
                    "src": {"type": "string", "pattern": "^https://"},
                    "href": {"type": "string"},
                    "alt": {"type": "string"},
                },
                "additionalProperties": False,
            },
        },
        "client": {"type": "string"},
        "client_url": {"type": "string"},
    },
    "additionalProperties": False,
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}
_VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def violations(event: Any, size: int = 0) -> list[str]:
    """What PagerDuty would not like about a request's JSON of `size` bytes; nothing where it would take it."""
    found = [f"{error.json_path}: {error.message}" for error in _VALIDATOR.iter_errors(event)]
    return found + [f"{size} bytes are more than {LARGEST}"] * (size > LARGEST)
