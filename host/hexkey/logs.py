"""Logs: one JSON object a line on standard error, levelled, without secrets.

Stages never log. Roles tell `progress` what happened as plain events of public statistics, and
`event_logger` writes those down.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("hexkey")
LEVELS = ("off", "debug", "info", "warning", "error")
_LEVELS = {
    "failed": logging.ERROR,
    "dropped": logging.WARNING,
    "epsilon-limit": logging.WARNING,
    "table-kept": logging.WARNING,
    "refresh-ended": logging.WARNING,
    "tables-lost": logging.WARNING,
    "board-gone": logging.WARNING,
    "gate-refused": logging.WARNING,
    "page-failed": logging.ERROR,
    "source-lost": logging.ERROR,
    "receiving": logging.DEBUG,
}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        return json.dumps(line)


def configure(level: str) -> None:
    """Send hexkey's logs at `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.handlers[:] = [handler]
    name = level.upper()
    LOGGER.setLevel(logging.CRITICAL + 1 if name == "OFF" else name)
    LOGGER.propagate = False


def log_event(event: dict[str, Any]) -> None:
    """Write one event of a role down, at the level its kind deserves."""
    name = str(event["event"])
    facts = {key: value for key, value in event.items() if key not in ("event", "report")}
    if name == "monitor":
        facts["address"] = facts["address"].partition("?")[0]  # the token stays out
    LOGGER.log(_LEVELS.get(name, logging.INFO), name, extra={"facts": facts})
