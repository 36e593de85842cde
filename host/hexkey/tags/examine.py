"""A recording is examined before it is believed: the traps of such files, each by its name."""

from collections.abc import Callable

from hexkey.tags.finding import Examination, Finding
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tally import Tally
from hexkey.tags.traps import TRAPS

_ORDER = ("refused", "flagged", "note")


class Examiner:
    """Examines a recording piece by piece, in constant memory.

    Parameters
    ----------
    file : TagFile
        What its header states is held against the records.
    """

    def __init__(self, file: TagFile) -> None:
        self._file = file
        self._tally = Tally(file)
        self.push = self._tally.push

    def finish(self) -> Examination:
        """Return what was found in the pieces so far."""
        tally = self._tally
        findings: list[Finding] = []
        for trap in TRAPS:
            findings += trap(self._file, tally)
        findings.sort(key=lambda finding: _ORDER.index(finding.severity))
        return Examination(
            tuple(findings),
            {channel: count for channel, count in enumerate(tally.counts.tolist()) if count},
            tally.seconds,
            dict(tally.left_out),
        )


def examine(
    file: TagFile,
    *,
    follow: bool = False,
    progress: Callable[[int], None] | None = None,
    also: Callable[[Tags], None] | None = None,
) -> Examination:
    """Go through a recording once.

    Parameters
    ----------
    file : TagFile
    follow : bool
        Wait for a file that still grows, as long as it was opened to be waited for.
    progress : callable, optional
        Called with the number of detections so far.
    also : callable, optional
        Called with each piece, too: a long file need not be read again.

    Raises
    ------
    InputError
        The file contradicts its own format.
    """
    examiner = Examiner(file)
    seen = 0
    for tags in file.chunks(follow=follow):
        examiner.push(tags)
        if also:
            also(tags)
        seen += len(tags)
        if progress:
            progress(seen)
    return examiner.finish()
