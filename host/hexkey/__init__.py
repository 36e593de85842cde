"""hexkey: the open quantum-key-distribution receiver, from a photon click to a secret key."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("hexkey")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"
