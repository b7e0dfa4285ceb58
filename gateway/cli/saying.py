"""Outcome lines in words, one line each, for a terminal."""

import msgspec


def said(line: bytes) -> str:
    """One outcome line for people."""
    found = msgspec.json.decode(line)
    kind = found.pop("kind")
    match kind:
        case "passage":
            text = f"{found['opened']} {found['portal']} {found['direction']}: {len(found['moved'])} moved, "
            text += f"{len(found['strays'])} strays"
        case "movement":
            what = ", ".join(f"{one['quantity']} × {one['gtin']}/{one['lot']}" for one in found["lines"])
            text = f"{found['at']} {found['type']} {found['verdict']} ({', '.join(found['reasons'])}): {what or '–'}"
        case "alarm":
            text = f"{found['at']} {found['alarm']}: {found['from']} → {found['to']} at {found['value']}"
        case "event":
            text = f"#{found['seq']} {found['topic']}"
        case _:
            text = " ".join(f"{name}={value}" for name, value in found.items())
    return f"{kind:>9}  {text}"
