"""Tag reports into reads of gateway time: the way from RO_ACCESS_REPORT bodies to `Reads`, past the reader's clocks.

`now` is steady time in µs and `epoch` what makes gateway time of it, as in `session`.
"""

from collections.abc import Sequence

from gateway.model.inputs import COLUMNS, Reads, Row
from gateway.readers.llrp.clock import SLACK, ReaderClock, believable
from gateway.readers.llrp.codec import CodecError, Parameter
from gateway.readers.llrp.fast import TagReports, gulps


class Intake:
    """Of one connection."""

    def __init__(self, reader: str) -> None:
        self.tags = 0
        """Tag reports taken."""
        self.untimely = 0
        """Times that cannot be (`clock.believable`); the time of arrival stands for them."""
        self.jumps: list[int] = []
        """By how many µs the reader's clock was set, since somebody took these away (more than 0: forward)."""
        self._reader = reader
        self._reports = TagReports()
        self._utc, self._uptime = ReaderClock(), ReaderClock()
        self._rows: list[Row] = []
        self._reads: list[Reads] = []

    def carry(self, wanted: bool) -> None:
        """Whether an absent parameter has the value of the tag before (TagReportData), or none."""
        self._reports.carry = wanted

    def instant(self, notification: Parameter, now: int, epoch: int) -> int:
        """Gateway time of a ReaderEventNotificationData, which also sets the clock; without a stamp it is now."""
        for name, clock in (("UTCTimestamp", self._utc), ("Uptime", self._uptime)):
            stamp = notification.first(name)
            if stamp is not None:
                instant: int = stamp.fields["Microseconds"]
                self._sample(clock, now, instant)
                return self._believed(instant + clock.offset(now) + epoch, now + epoch)
        return now + epoch

    def take(self, bodies: Sequence[bytes], now: int, epoch: int) -> list[str]:
        """Take reports that came one after the other: the hot path. Gives what is wrong with those it could not."""
        wrong: list[str] = []
        for gulp in gulps(bodies) if len(bodies) != 1 else (bodies,):
            try:
                self._take(b"".join(gulp), now, epoch)
            except CodecError:
                for body in gulp:  # only the malformed ones are lost
                    try:
                        self._take(body, now, epoch)
                    except CodecError as error:
                        wrong.append(str(error))
        return wrong

    def reads(self) -> list[Reads]:
        """What was taken since the last call, in order."""
        self._close()
        reads, self._reads = self._reads, []
        return reads

    def _close(self) -> None:
        """End the input that is being gathered."""
        if self._rows:
            self._reads.append(Reads(self._reader, tuple(self._rows)))
            self._rows.clear()

    def _take(self, body: bytes, now: int, epoch: int) -> None:
        """Gather the rows of a body, their times corrected, and learn from them about the reader's clock."""
        reports = self._reports
        utc, uptime = self._utc.offset(now) + epoch, self._uptime.offset(now) + epoch
        rows = reports.rows(body, utc, uptime)
        if not rows:
            return
        self.tags += len(rows)
        clock, shift = (self._uptime, uptime) if reports.uptime else (self._utc, utc)
        times = (rows[0][0], rows[-1][0]) if reports.uniform else [row[0] for row in rows if row[0] is not None]
        if times:
            newest, here = max(times), now + epoch
            self._sample(clock, now, newest - shift)
            back = clock.offset(now) + epoch - shift
            if not -SLACK < back < SLACK:  # the clock's first instant, or its first after a long silence
                rows = [row if row[0] is None else (row[0] + back, *row[1:]) for row in rows]
                newest += back
            if not (believable(newest, here) and believable(min(times), here)):
                rows = [row if row[0] is None else (self._believed(row[0], here), *row[1:]) for row in rows]
        if reports.uniform:
            self._rows += rows
        else:
            self._odd_rows(rows, now + epoch)

    def _sample(self, clock: ReaderClock, now: int, instant: int) -> None:
        if jumped := clock.sample(now, instant):
            self.jumps.append(jumped)

    def _believed(self, at: int, here: int) -> int:
        """A corrected time, or the time of arrival (`here`) where it cannot be."""
        if believable(at, here):
            return at
        self.untimely += 1
        return here

    def _odd_rows(self, rows: list[Row], at: int) -> None:
        """Rows without a time get ours; those with a bit length (see `fast`) need a column more."""
        for row in rows:
            if row[0] is None:
                row = (at, *row[1:])
            if len(row) == len(COLUMNS):
                self._rows.append(row)
            else:
                self._close()
                self._reads.append(Reads(self._reader, (row,), (*COLUMNS, "bits")))
