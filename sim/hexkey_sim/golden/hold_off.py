"""Hold-off: after any click, no detector is listened to until all of them are alive again."""


class HoldOff:
    """Common to all detectors; started by every click, in or outside the gate, ignored or not.

    It begins after the click's own pulse and is restarted by the clicks it ignores, so a pulse is
    accepted exactly when the `holdoff_pulses` pulses before it held no click at all.

    Parameters
    ----------
    holdoff_pulses : int
    last_click_pulse : int
        The last pulse that held a click. An epoch begins in hold-off: nobody knows what clicked
        before its pulse 0, so it is as if pulse -1 had.
    """

    def __init__(self, holdoff_pulses: int, last_click_pulse: int = -1) -> None:
        self._holdoff_pulses = holdoff_pulses
        self.last_click_pulse = last_click_pulse

    def accepts(self, pulse: int) -> bool:
        """Say whether the clicks of `pulse` are listened to; called once per pulse with a click."""
        accepted = pulse - self.last_click_pulse > self._holdoff_pulses
        self.last_click_pulse = max(self.last_click_pulse, pulse)
        return accepted
