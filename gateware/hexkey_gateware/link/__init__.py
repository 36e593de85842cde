"""The board's end of the byte link: from requests to registers, from events to frames."""
