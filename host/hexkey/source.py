"""Where a board's bytes come from: a serial port, a TCP port or a file, behind one interface."""

import errno
import os
import re
import select
import socket
import stat
from pathlib import Path
from typing import Protocol

import serial

from hexkey.errors import ConfigurationError, DeviceError

BAUD = 3_000_000
_WRITE_TIMEOUT_S = 2.0
_CONNECT_TIMEOUT_S = 5.0


class Source(Protocol):
    """A byte stream from a board, and back to it.

    Attributes
    ----------
    name : str
        As the user wrote it; every message names it.
    """

    name: str

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        """Return what is there, waiting at most `timeout_s` for the first byte; b"" if none came.

        Raises
        ------
        DeviceError
            If the device is gone.
        """

    def write(self, data: bytes) -> None:
        """Write everything, or raise `DeviceError`."""

    def close(self) -> None:
        """Release the device; closing twice is allowed."""


class SerialSource:
    """A serial port, opened for this process alone.

    Raises
    ------
    DeviceError
        If the port does not exist, may not be opened, or is in use.
    """

    def __init__(self, path: str, baud: int = BAUD) -> None:
        self.name = path
        try:
            self._serial = serial.Serial(
                path, baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise DeviceError(_why_not_opened(path, error)) from None

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        try:
            ready, _, _ = select.select([self._serial.fileno()], [], [], timeout_s)
            return bytes(self._serial.read(max_bytes)) if ready else b""
        except (OSError, TypeError, ValueError) as error:  # pyserial's ways to say "closed"
            raise _vanished(self.name, error) from None

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            raise DeviceError(
                f"the device at {self.name} takes no bytes: check that it is a hexkey board and "
                "that its cable is sound"
            ) from None
        except (OSError, TypeError, ValueError) as error:
            raise _vanished(self.name, error) from None

    def close(self) -> None:
        self._serial.close()


class TcpSource:
    """A board behind a TCP port, ``tcp://host:port``.

    Raises
    ------
    DeviceError
        If nobody answers there.
    """

    def __init__(self, host: str, port: int) -> None:
        self.name = f"tcp://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S)
        except OSError as error:
            raise DeviceError(
                f"cannot connect to {self.name} ({_reason(error)}): check that the board or the "
                "virtual board is running and listens there"
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(_WRITE_TIMEOUT_S)

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        try:
            ready, _, _ = select.select([self._socket], [], [], timeout_s)
            data = self._socket.recv(max_bytes) if ready else None
        except (OSError, ValueError) as error:
            raise _vanished(self.name, error) from None
        if data == b"":
            raise DeviceError(
                f"the board at {self.name} closed the connection: see whether it is still running"
            )
        return data or b""

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _vanished(self.name, error) from None

    def close(self) -> None:
        self._socket.close()


class FileSource:
    """Bytes of a board from a file; nothing can be written, and b"" means the end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        try:
            self._file = Path(path).open("rb")
        except OSError as error:
            raise DeviceError(
                f"cannot read {self.name} ({_reason(error)}): name a file of board bytes"
            ) from None

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        try:
            return self._file.read(max_bytes)
        except OSError as error:
            raise DeviceError(f"cannot read on in {self.name} ({_reason(error)})") from None

    def write(self, data: bytes) -> None:
        raise DeviceError(f"{self.name} is a file, and cannot be commanded: open a board's port")

    def close(self) -> None:
        self._file.close()


def open_source(spec: str, *, baud: int = BAUD) -> Source:
    """Open a serial port (``/dev/ttyUSB0``, ``COM3``), ``tcp://host:port`` or a file.

    Raises
    ------
    ConfigurationError
        If `spec` is malformed.
    DeviceError
        If what it names cannot be opened.
    """
    if spec.startswith("tcp:"):
        match = re.fullmatch(r"tcp://(\[[0-9a-fA-F:.]+\]|[^:/\[\]]+):(\d{1,5})/?", spec)
        if match is None or not 0 < int(match[2]) < 65536:
            raise ConfigurationError(
                f"the address {spec!r} cannot be read: write it like tcp://127.0.0.1:4000"
            )
        return TcpSource(match[1].strip("[]"), int(match[2]))
    if "://" in spec:
        raise ConfigurationError(
            f"the address {spec!r} is of an unknown kind: give a serial port such as "
            "/dev/ttyUSB0, tcp://host:port or a file"
        )
    try:
        is_file = stat.S_ISREG(Path(spec).stat().st_mode)
    except (OSError, ValueError):
        is_file = False
    return FileSource(spec) if is_file else SerialSource(spec, baud)


def _reason(error: BaseException) -> str:
    code = getattr(error, "errno", None)
    return os.strerror(code).lower() if code and code > 0 else str(error)


def _why_not_opened(path: str, error: OSError | ValueError) -> str:
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        return f"there is no port {path}: plug the board in, or ask `hexkey doctor` for the ports"
    if code in (errno.EACCES, errno.EPERM):
        return (
            f"the port {path} may not be opened by this user: join the group that owns it, usually "
            "with `sudo usermod -aG dialout $USER` and a new login"
        )
    if code in (errno.EBUSY, errno.EWOULDBLOCK):
        return f"the port {path} is in use by another program: close that program first"
    if code in (errno.ENOTTY, errno.EISDIR) or "configure port" in str(error):  # no errno then
        return f"{path} is not a serial port: ask `hexkey doctor` for the ports"
    return f"the port {path} cannot be opened ({error}): ask `hexkey doctor` for the ports"


def _vanished(name: str, error: BaseException) -> DeviceError:
    return DeviceError(
        f"the device at {name} is gone ({_reason(error)}): check its cable and its power, then "
        "open it again"
    )
