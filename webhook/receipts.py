"""Receipts: what tells one POST from another, whatever both say."""

from __future__ import annotations

import os


def new_receipt() -> str:
    """16 hex digits by chance; unique among the POSTs that told one fact, which is where they are compared."""
    return os.urandom(8).hex()
