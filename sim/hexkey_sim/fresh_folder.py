"""A folder for what a command makes: a new one, or that of the same command before."""

import shutil
from pathlib import Path

from hexkey.errors import ConfigurationError


def fresh_folder(out: Path, marker: str) -> Path:
    """Return an empty folder in which only the file `marker` lies.

    Raises
    ------
    ConfigurationError
        It holds something that this command did not make.
    """
    if out.exists() and any(out.iterdir()):
        if not (out / marker).exists():
            raise ConfigurationError(
                f"{out} is not empty and not of an earlier run; choose another with --out"
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / marker).touch()
    return out
