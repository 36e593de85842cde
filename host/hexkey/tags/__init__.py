"""Detections from any time tagger's file, as one stream of arrays."""

from hexkey.tags.opening import open_tags
from hexkey.tags.pieces import Waiting
from hexkey.tags.stream import TagFile, Tags

__all__ = ["TagFile", "Tags", "Waiting", "open_tags"]
