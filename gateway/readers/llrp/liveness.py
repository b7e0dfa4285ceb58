"""Whether the reader is still there: what came last, and how long that may be ago. Steady µs."""

from gateway.readers.llrp.settings import ReaderSettings


class Liveness:
    """Of one connection.

    Two watches, because bytes alone prove little: where a length lies, all that stands behind it, keepalives too, is
    taken for the body of a message that may be megabytes long, and nothing in LLRP marks a beginning.
    """

    def __init__(self, settings: ReaderSettings, now: int) -> None:
        self.greet_by = now + settings.connect
        """When the greeting must be there, whatever else comes."""
        self.heard = now
        """When the last byte came."""
        self.sound = now
        """When the last message came that means something to us."""
        self._settings = settings

    def excuse(self, now: int) -> None:
        """We did not listen until now."""
        self.heard = self.sound = now

    @property
    def deadline(self) -> int:
        """When `lost` has something to say, if nothing comes."""
        return min(self.heard + self._settings.silence, self.sound + self._settings.senseless)

    def lost(self, now: int, unfinished: int) -> str:
        """Why the link counts as lost, or nothing; `unfinished`: bytes there are of a message that is not complete."""
        if now >= self.heard + self._settings.silence:
            return (
                f"silent for {(now - self.heard) / 1e6:.1f} s although a keepalive is due every "
                f"{self._settings.keepalive / 1e6:g} s: check the cable and the reader's power"
            )
        if now >= self.sound + self._settings.senseless:
            of = f"; {unfinished} bytes of one that does not end" if unfinished else ""
            return f"bytes come, but for {(now - self.sound) / 1e6:.1f} s no message that means anything{of}"
        return ""
