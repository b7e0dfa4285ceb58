"""C1G2Select filters: which tags an inventory leaves out (LLRP 1.0.1, clause 16.2.1.2.1.1; Gen2, clause 6.3.2.12.1)."""

from collections.abc import Sequence

from simulators.llrp.profiles import Profile
from simulators.llrp.tags import epc_memory
from simulators.llrp.wire import Bits, Malformed, Parameter, type_of

EPC_MEMORY = 1
"""The memory bank that is simulated; a mask on another one matches no tag."""

_TRUNCATE = 2

_ACTIONS: dict[int, tuple[bool | None, bool | None]] = {
    0: (True, False),
    1: (True, None),
    2: (None, False),
    3: (False, None),
    4: (False, True),
    5: (None, True),
}
"""C1G2StateUnawareAction → what becomes of a matching tag and of another: selected, unselected, as it was."""


def check(command: Parameter, profile: Profile) -> None:
    """Refuse the filters of a C1G2InventoryCommand that this reader cannot do."""
    filters = [*command.every("C1G2Filter")]
    if len(filters) > profile.filters:
        raise Malformed(205, f"this reader does {profile.filters} C1G2Filters", type_of("C1G2Filter"))
    for one in filters:
        if one.number("T") == _TRUNCATE:
            raise Malformed(201, "this reader does not truncate", type_of("C1G2Filter"))
        if one.part("C1G2TagInventoryStateAwareFilterAction"):
            kind = type_of("C1G2TagInventoryStateAwareFilterAction")
            raise Malformed(209, "this reader is not state-aware", kind)
        action = _action(one)
        if action not in _ACTIONS:
            kind = type_of("C1G2TagInventoryStateUnawareFilterAction")
            raise Malformed(201, f"filter action {action} is not defined", kind)


def selected(filters: Sequence[Parameter], epc: str) -> bool:
    """Whether a tag takes part. Before the filters it does, unless one of them selects."""
    if not filters:
        return True
    actions = [_ACTIONS[_action(one)] for one in filters]
    inside = not any(True in action for action in actions)
    for one, (matching, other) in zip(filters, actions, strict=True):
        becomes = matching if _matches(one, epc) else other
        inside = inside if becomes is None else becomes
    return inside


def _action(one: Parameter) -> int:
    unaware = one.part("C1G2TagInventoryStateUnawareFilterAction")
    return unaware.number("Action") if unaware else 0


def _matches(one: Parameter, epc: str) -> bool:
    mask = one.part("C1G2TagInventoryMask")
    assert mask is not None
    bits = mask.fields["TagMask"]
    assert isinstance(bits, Bits)
    if mask.number("MB") != EPC_MEMORY:
        return False
    memory = epc_memory(epc)
    left = 8 * len(memory) - mask.number("Pointer") - bits.length
    if left < 0:
        return False
    wanted = int.from_bytes(bits.data, "big") >> 8 * len(bits.data) - bits.length
    return int.from_bytes(memory, "big") >> left & (1 << bits.length) - 1 == wanted
