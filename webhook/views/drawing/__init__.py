"""The session timeline as a drawing: from the view that the API answers to rows, bars and marks. Pure."""

from webhook.views.drawing.notices import Notice, Notices, notices_of
from webhook.views.drawing.picture import Drawing, draw
from webhook.views.drawing.tables import Table, table_of
from webhook.views.drawing.windows import Frame, Link, frame_of, window_links

__all__ = [
    "Drawing",
    "Frame",
    "Link",
    "Notice",
    "Notices",
    "Table",
    "draw",
    "frame_of",
    "notices_of",
    "table_of",
    "window_links",
]
