"""The board's end of the byte link: from the host's requests to registers, from events to frames."""
