"""What a person asks a board at the bench: how it is, what its registers hold, whether it works."""
