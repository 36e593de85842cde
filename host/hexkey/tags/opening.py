"""Which reader a file is for: told by what it holds, not by its name."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hexkey.errors import InputError
from hexkey.recording import MAGIC as RECORDING
from hexkey.statement import MAGIC as ALICE
from hexkey.tags import legacy, ptu, qutag, sfifteen, text
from hexkey.tags.hints import Hints
from hexkey.tags.own import open_own
from hexkey.tags.pieces import Waiting, unreadable
from hexkey.tags.stream import TagFile

_HEAD_BYTES = 1 << 16
_SQLITE = b"SQLite format 3"


def open_tags(
    path: Path | str,
    *,
    tick_ps: Fraction | None = None,
    time_column: str | None = None,
    channel_column: str | None = None,
    time_unit: str | None = None,
    trigger_channel: int | None = None,
    waiting: Waiting | None = None,
) -> TagFile:
    """Return a time tagger's file, its kind recognised by its content.

    Parameters
    ----------
    path : Path or str
    tick_ps : Fraction, optional
        Unit of the times, ps, where the format leaves it open: 1 for a quTAG, 4 for S-Fifteen are
        assumed.
    time_column, channel_column, time_unit : str, optional
        Of a CSV file that does not say itself (`hexkey.tags.text`).
    trigger_channel : int, optional
        Channel of the trigger's edges, where the file does not say.
    waiting : Waiting, optional
        How ``TagFile.chunks(follow=True)`` waits, and when it ends.

    Raises
    ------
    InputError
        The file cannot be read, is of no kind that is known, or contradicts its own format.
    """
    path = Path(path)
    hints = Hints(
        tick_ps, time_column, channel_column, time_unit, trigger_channel, waiting or Waiting()
    )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
    found = _open(path, head, hints)
    if trigger_channel is not None:
        return replace(found, trigger_channel=trigger_channel)
    return found


def _open(path: Path, head: bytes, hints: Hints) -> TagFile:
    _refuse_other_files(path, head)
    if head.startswith(RECORDING):
        return open_own(path, hints)
    if head.startswith(ptu.MAGIC):
        return ptu.open_ptu(path, hints.waiting)
    if head.startswith(legacy.IDENTS):
        return legacy.open_legacy(path, hints.waiting)
    if head.startswith(qutag.MAGIC):
        return qutag.open_qutag(path, hints)
    if text.looks_like_text(head):
        return text.open_text(path, hints)
    if (form := sfifteen.find_form(head)) is not None:
        return sfifteen.open_sfifteen(path, form, hints)
    if not head:
        raise InputError(f"{path} is empty: record again, or wait for its first records")
    begins = head[:8].hex(" ")
    raise InputError(
        f"{path} is no recording that is known (it begins with {begins}): looked for were hexkey's "
        "own, PicoQuant .ptu, .pt2, .pt3, .ht2 and .ht3, qutools binary, S-Fifteen a0, a1 and a2, "
        "and CSV with a time and a channel a row"
    )


def _refuse_other_files(path: Path, head: bytes) -> None:
    """Say of hexkey's other files what they are, and what they are for."""
    if head.startswith(ALICE):
        raise InputError(
            f"{path} is Alice's record of what she sent, which has no clicks: it goes with a "
            f"recording of Bob's, `hexkey distill RECORDING --record {path}`"
        )
    if head.startswith(_SQLITE):
        raise InputError(
            f"{path} is a database and no recording; of a key store, `hexkey keys list {path}` "
            "shows what it holds"
        )
    if b"tx_state" in head.partition(b"\n")[0]:
        raise InputError(
            f"{path} is a table of detections with the bits that were sent, which has no times: "
            f"`hexkey distill {path}` sifts and corrects it"
        )
