"""Every exception hexkey raises on purpose.

::

    HexkeyError                    one sentence: which input, what was wrong, what to do
    ├── ConfigurationError         a setting or an option that cannot be used      exit code 2
    ├── InputError                 a file, a recording, a record that is refused   exit code 3
    ├── DeviceError                the board or its port                           exit code 4
    │   └── CalibrationError       a delay line's density that no table can be made of
    ├── ChannelError               the peer is gone, silent or unreachable         exit code 5
    │   └── ProtocolError          the peer said something that is not allowed
    ├── AuthenticationError        a tag that does not verify                      exit code 6
    │   └── PoolError              authentication key exhausted or mismatched
    ├── StoreError                 the key store cannot be read or written         exit code 7
    ├── AlarmError                 an alarm that is set to stop distillation       exit code 8
    └── BlockDropped               a block ended without a key; the session goes on

A message begins as the middle of a sentence does and has no full stop, so that one can follow a
colon in another; the command line completes it. None ever holds key bits, tags' keys or seeds.
"""


class HexkeyError(Exception):
    """Base of all; its text is one sentence for the person who called."""

    exit_code = 1


class ConfigurationError(HexkeyError):
    exit_code = 2


class InputError(HexkeyError):
    exit_code = 3


class DeviceError(HexkeyError):
    exit_code = 4


class CalibrationError(DeviceError):
    """A density from which no table can be made.

    Attributes
    ----------
    reason : str
        A short stable word: ``hits``, ``short``, ``locked``, ``drifting``; of clicks while a board
        runs ``shaped``, ``far`` or ``codes``, too.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ChannelError(HexkeyError):
    exit_code = 5


class ProtocolError(ChannelError):
    pass


class AuthenticationError(HexkeyError):
    exit_code = 6


class PoolError(AuthenticationError):
    pass


class StoreError(HexkeyError):
    exit_code = 7


class AlarmError(HexkeyError):
    """An alarm of those that the configuration lets stop distillation.

    Attributes
    ----------
    name : str
        Of the alarm.
    """

    exit_code = 8

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class BlockDropped(HexkeyError):
    """A block ended without a key.

    Attributes
    ----------
    reason : str
        A short stable word that reports count by: ``qber``, ``verification``, ``length``, …
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
