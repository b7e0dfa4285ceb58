"""Status: what /readyz, the service manager and `tallyman status` are told, in one shape."""

from msgspec import Struct, field


class Component(Struct):
    """One part of the gateway: up, down, or starting; since when (µs), and what is known of it."""

    state: str = "starting"
    since: int = 0
    detail: str = ""


class Status(Struct):
    """The whole gateway. `ready`: recovered, listening, deciding; devices and links may be down all the same."""

    ready: bool = False
    recovering: bool = True
    components: dict[str, Component] = field(default_factory=dict)
    queued: int = 0
    parked: int = 0

    def set(self, name: str, state: str, at: int, detail: str = "") -> None:
        """A component changed; `since` moves only when its state does."""
        known = self.components.setdefault(name, Component())
        if known.state != state:
            known.since = at
        known.state, known.detail = state, detail

    def line(self) -> str:
        """One line for the service manager: `3/4 devices up; down: dock-2; 12 events queued`."""
        down = [name for name, part in self.components.items() if part.state != "up"]
        up = len(self.components) - len(down)
        text = f"{up}/{len(self.components)} up"
        if down:
            text += f"; not up: {', '.join(down)}"
        return f"{text}; {self.queued} {'event' if self.queued == 1 else 'events'} queued" + (
            f", {self.parked} parked" if self.parked else ""
        )
