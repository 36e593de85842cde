"""Detections from any time tagger's file, as one stream of arrays."""
