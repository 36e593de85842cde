"""The traps of recordings, each a function of what the header states and of what was counted.

It names what contradicts; what it cannot tell from the counts it leaves alone.
"""

from hexkey.tags.finding import MEASUREMENTS, Finding
from hexkey.tags.holes import dead_time_hole
from hexkey.tags.own import RESOLVED
from hexkey.tags.stream import TagFile
from hexkey.tags.sync import absent_sync, divided_sync, filtered_sync, stated_sync
from hexkey.tags.tally import Tally
from hexkey.tags.tttr import INPUT_RATES, SYNC

IN_TIME = ("g2", "dead_time", "afterpulsing", "jitter")
"""What needs detections in the order of their times."""
ON_TIME_AXIS = ("rates", *IN_TIME)
ON_PERIOD = ("histogram", "lifetime", "g2", "skew", "jitter")
_FEW = 100  # detections too few to contradict anything
_SOME = 20  # expected, of which none or hardly one was found
_STATED_STEP_S = 1e-3  # of times in headers
_LATE_SHARE = 1e-3  # of arrivals beyond the sync's period: more are no noise of the tagger
_UNSORTED_SHARE = 0.01  # more are no neighbours that changed places
_DUPLICATE_SHARE = 1e-3
_ROLLOVERS = (1 << 16, 33_552_000, 210_698_240)  # of counters of whole bits, and PicoQuant's others


def no_detections(file: TagFile, tally: Tally) -> list[Finding]:
    if tally.total:
        return []
    sentence = "there is no detection in it: check the inputs' levels, or that this is the file"
    return [Finding("no_detections", "refused", sentence, refuses=MEASUREMENTS)]


def late_arrivals(file: TagFile, tally: Tally) -> list[Finding]:
    """Arrival times beyond the sync's period: the header's period is not that of the records."""
    late = tally.late
    if late == 0 or not file.sync_period_ps or file.stated.get(RESOLVED):
        return []
    longest = tally.longest_ticks * float(file.tick_ps) / file.sync_period_ps
    facts = {"late": late, "share": late / tally.total, "longest_periods": longest}
    said = (
        f"{late:,} of {tally.total:,} arrival times are beyond the sync's period of "
        f"{file.sync_period_ps / 1000:.6g} ns, the longest {longest:.3g} periods"
    )
    if late / tally.total > _LATE_SHARE:
        sentence = f"{said}: the header's sync rate is not that of the records; do not use it"
        return [Finding("late_arrivals", "refused", sentence, facts, (*ON_PERIOD, "rates"))]
    return [Finding("late_arrivals", "flagged", f"{said}: leave these out", facts)]


def acquisition_time(file: TagFile, tally: Tally) -> list[Finding]:
    """Detections that last much longer, or much shorter, than the header says."""
    taken = file.seconds_stated
    stated = taken or file.seconds_asked
    if not stated or tally.total < _FEW or tally.unit_ps == 0:
        return []
    if abs(tally.seconds - stated) <= _STATED_STEP_S:
        return []
    ratio = tally.seconds / stated
    facts = {"seconds": tally.seconds, "seconds_stated": stated}
    said = f"the detections span {tally.seconds:.4g} s and the header states {stated:.4g} s"
    if ratio > 1.02 or (taken and ratio < 0.5 and not _is_cut(file, tally)):
        sentence = (
            f"{said}: the period or the tick of the header is wrong; find which before measuring"
        )
        return [Finding("acquisition_time", "refused", sentence, facts, ON_TIME_AXIS)]
    if taken and tally.total * (1 / max(ratio, 1e-9) - 1) > _SOME and ratio < 0.98:
        sentence = f"{said}: the light or the recording stopped early; rates are of the former"
        return [Finding("acquisition_time", "flagged", sentence, facts)]
    return []


def input_rates(file: TagFile, tally: Tally) -> list[Finding]:
    """Inputs whose rate differs from the rate meter's twofold, or that are silent."""
    stated = file.stated.get(INPUT_RATES)
    seconds = file.seconds_stated or tally.seconds
    if _is_cut(file, tally):
        seconds = tally.seconds
    if not isinstance(stated, list) or not seconds or tally.total == 0:
        return []
    findings = []
    # A router's channels share one rate meter.
    counts = tally.counts[:SYNC].tolist()
    counts = [*counts[: len(stated) - 1], sum(counts[len(stated) - 1 :])]
    for channel, (rate_hz, count) in enumerate(zip(stated, counts, strict=False)):
        expected = rate_hz * seconds
        facts = {"channel": channel, "stated_hz": rate_hz, "counted_hz": count / seconds}
        if expected < _SOME:
            continue
        if count == 0:
            sentence = (
                f"channel {channel} has no detection and the header states {rate_hz:,} a second: "
                "it was not recorded, or its level was changed"
            )
            findings.append(Finding("silent_channel", "flagged", sentence, facts))
        elif expected > _FEW and not 0.5 < count / expected < 2:
            sentence = (
                f"channel {channel} has {count / seconds:,.0f} detections a second and the header "
                f"states {rate_hz:,}: the light changed, or records are missing"
            )
            findings.append(Finding("input_rate", "flagged", sentence, facts))
    return findings


def unsorted(file: TagFile, tally: Tally) -> list[Finding]:
    if tally.descents == 0:
        return []
    share, step_ps = tally.descents / tally.total, tally.step_back * tally.unit_ps
    facts = {"descents": tally.descents, "share": share, "largest_step_back_ps": step_ps}
    said = (
        f"{tally.descents:,} detections ({share:.2%}) are earlier than the one before them, by "
        f"{step_ps / 1000:,.6g} ns at most"
    )
    if share > _UNSORTED_SHARE:
        sentence = f"{said}: sort the file by time, or find where its counter turned over"
        return [Finding("unsorted", "refused", sentence, facts, IN_TIME)]
    return [Finding("unsorted", "flagged", f"{said}: sort them before looking at pairs", facts)]


def duplicates(file: TagFile, tally: Tally) -> list[Finding]:
    if tally.duplicates == 0:
        return []
    share = tally.duplicates / tally.total
    said = (
        f"{tally.duplicates:,} detections ({share:.2%}) have time and channel of the one before "
        "them: the file was joined of overlapping parts, or the tick is long"
    )
    facts = {"duplicates": tally.duplicates, "share": share}
    if share > _DUPLICATE_SHARE:
        refuses = ("g2", "dead_time", "afterpulsing")
        return [Finding("duplicates", "refused", said, facts, refuses)]
    return [Finding("duplicates", "flagged", said, facts)]


def rollovers_left_in(file: TagFile, tally: Tally) -> list[Finding]:
    """Channels whose times are multiples of a counter's rollover: no detector does that."""
    findings = []
    for channel, spacing in tally.spacing.items():
        count = int(tally.counts[channel])
        exact = next((size for size in _ROLLOVERS if spacing > 0 and spacing % size == 0), None)
        if exact is None or count < 8 or channel == file.trigger_channel:
            continue
        sentence = (
            f"all {count:,} records of channel {channel} lie a multiple of {spacing:,} ticks apart:"
            " these are overflow markers, no detections; leave the channel out"
        )
        facts = {"channel": channel, "records": count, "spacing_ticks": spacing}
        findings.append(Finding("rollovers_left_in", "refused", sentence, facts, MEASUREMENTS))
    return findings


def truncated(file: TagFile, tally: Tally) -> list[Finding]:
    findings, left_out = [], tally.left_out
    if cut := left_out.get("cut", 0):
        sentence = f"the file ends with {cut} bytes of a record: it was cut; copy it anew"
        findings.append(Finding("cut_record", "flagged", sentence, {"bytes": cut}))
    stated, seen = file.records_stated, _records(tally)
    if stated is not None and seen < stated:
        sentence = (
            f"{seen:,} records are there and the header states {stated:,}: the file was cut; copy "
            "it anew, or use what is there"
        )
        facts = {"records": seen, "records_stated": stated}
        findings.append(Finding("truncated", "flagged", sentence, facts))
    return findings


def left_out_records(file: TagFile, tally: Tally) -> list[Finding]:
    """Say what the reader met that is no detection, where a person should know."""
    said = {
        "unknown": ("flagged", "records are of channels that there are none of: damage"),
        "damaged": ("flagged", "bytes are damaged and were left out"),
        "lost": ("flagged", "events were lost on the way from the board"),
        "epochs": ("note", "times the trigger was lost: pulses between are not counted"),
        "dummies": ("note", "rollover markers were left out"),
        "markers": ("note", "external markers were left out"),
        "beyond": ("note", "records behind those that the header states were left out"),
    }
    return [
        Finding(name, severity, f"{count:,} {what}", {"count": count})  # type: ignore[arg-type]
        for name, (severity, what) in said.items()
        if (count := tally.left_out.get(name, 0))
    ]


def already_resolved(file: TagFile, tally: Tally) -> list[Finding]:
    if not file.stated.get(RESOLVED):
        return []
    sentence = (
        "gate, hold-off and resolver were at work before it was written: pairs of detections are "
        "missing by design; record raw tags for this"
    )
    refuses = ("g2", "dead_time", "afterpulsing")
    return [Finding("already_resolved", "refused", sentence, refuses=refuses)]


def _records(tally: Tally) -> int:
    names = ("overflows", "markers", "unknown", "beyond")
    return tally.total + sum(tally.left_out.get(name, 0) for name in names)


def _is_cut(file: TagFile, tally: Tally) -> bool:
    return file.records_stated is not None and _records(tally) < file.records_stated


TRAPS = (
    no_detections,
    late_arrivals,
    acquisition_time,
    input_rates,
    absent_sync,
    stated_sync,
    divided_sync,
    filtered_sync,
    unsorted,
    duplicates,
    rollovers_left_in,
    dead_time_hole,
    already_resolved,
    truncated,
    left_out_records,
)
