"""The receiver in Amaranth: takes layouts and constants from `hexkey`, nothing else of it."""
