"""Identity: what a tag or a key says about itself (EPC Tag Data Standard, GS1 keys, Digital Link). Pure.

- `decode`: the hex of a tag's EPC memory into an `Identity`; never raises
- `keys`: check digits, GTIN, SSCC and GLN, and their URN and Digital Link forms
- `schemes`: the binary coding tables; a new scheme is a new row
"""

from gateway.identity.decoding import decode
from gateway.identity.schemes import Identity

__all__ = ["Identity", "decode"]
