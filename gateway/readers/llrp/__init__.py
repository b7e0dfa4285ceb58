"""LLRP (EPCglobal Low Level Reader Protocol 1.0.1): our client, without I/O up to `driver`.

- `tables`: every message and parameter as data, walked at run time
- `codec`: one message ↔ bytes; unknown and custom parameters are kept as they came
- `frames`: a byte stream into frames; `fast`: tag reports into rows, the hot path
- `settings`, `capabilities`, `rospec`: what is wanted, what the reader can, and the bytes that follow from both
- `clock`: the reader's clock against ours
- `handshake`: the order of the conversation as a table; `happenings`: what the session tells
- `session`: the conversation; no clock, no socket
- `driver`: the asyncio shell
"""
