"""Calls gowin_pack of apycula, which reads its arguments from the process."""

import sys


def run_gowin_pack(arguments: list[str]) -> None:
    """Run it with these arguments; it ends the process if it fails."""
    from apycula.gowin_pack import main

    sys.argv = ["gowin_pack", *arguments]
    main()
