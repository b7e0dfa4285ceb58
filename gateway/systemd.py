"""sd_notify(3): READY, STATUS, WATCHDOG, STOPPING over the datagram socket systemd names. Silent without one."""

import os
import socket


class Notifier:
    """Speaks to the service manager, if there is one."""

    def __init__(self, address: str | None) -> None:
        self.address = address

    @classmethod
    def from_environment(cls) -> "Notifier":
        """The notifier for $NOTIFY_SOCKET."""
        return cls(os.environ.get("NOTIFY_SOCKET") or None)

    def notify(self, **fields: str) -> None:
        """Send fields such as READY="1", STATUS="3/3 readers". A service manager that is gone is not our fault."""
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A line feed would begin a field of its own; a status with an error in it may hold one.
        text = "\n".join(f"{name}={' '.join(value.splitlines())}" for name, value in fields.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            try:
                wire.sendto(text.encode(), address)
            except OSError:
                return


def watchdog_seconds() -> float | None:
    """Seconds within which systemd expects a sign of progress (sd_watchdog_enabled(3)); None: no watchdog."""
    text = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(text) / 1_000_000 if mine and text.isdecimal() and int(text) > 0 else None
