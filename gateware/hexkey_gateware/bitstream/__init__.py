"""From the receiver to a bitstream that was looked at: flow, checks, reports."""
