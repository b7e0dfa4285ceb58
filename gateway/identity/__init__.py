"""Identity: what a tag or a key says about itself (EPC Tag Data Standard, GS1 keys, Digital Link). Pure.

- `decode`: the hex of a tag's EPC memory, or an opaque `scheme:value`, into an `Identity`; never raises
- `keys`: check digits, GTIN, SSCC and GLN, and their URN and Digital Link forms
- `schemes`, `plus`: the binary coding tables; a new scheme is a new row
- `elements`: values of GS1 application identifiers on a tag; `links`: canonical Digital Links of them
- `opaque`: ids that are not GS1's
"""

from gateway.identity.decoding import decode
from gateway.identity.identity import Control, Identity
from gateway.identity.opaque import Opaque

__all__ = ["Control", "Identity", "Opaque", "decode"]
