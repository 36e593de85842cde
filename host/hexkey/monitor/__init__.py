"""A run as people watch it: a page, a terminal view, metrics and alarms."""
