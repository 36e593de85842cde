"""Which key to expect: curves over loss for any source and protocol, and published experiments."""
