"""``python -m hexkey`` is ``hexkey``."""

from hexkey.cli import main

if __name__ == "__main__":
    main()
