"""LLRP (EPCglobal Low Level Reader Protocol 1.0.1 and 1.1): our client, without I/O up to `driver`.

- `tables`: every message and parameter as data, walked at run time; their texts in `tables_llrp101`, `tables_llrp11`
  and, custom ones, `tables_vendors`
- `codec`: one message ↔ bytes; unknown parameters are kept as they came
- `transcript`: a file of frames, decoded, verified and put into words (`tallyman llrp decode` and `verify`)
- `frames`: a byte stream into frames; `fast`: tag reports into rows, the hot path
- `settings`, `capabilities`, `rospec`: what is wanted, what the reader can, and the bytes that follow from both
- `requests`: what is sent, and what was asked and not answered yet
- `liveness`: when a link counts as lost
- `clock`: the reader's clock against ours; `intake`: tag reports into reads of gateway time
- `handshake`: the order of the conversation as a table; `happenings`: what the session tells
- `session`: the conversation; no clock, no socket
- `health`: a reader's parts over all its connections; `coverage` and `history`: what its antennas see and used to see
- `driver`: the asyncio shell
"""
