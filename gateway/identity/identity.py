"""`Identity`, what a tag says about itself, and `Control`, what its protocol control words add."""

from msgspec import Struct

from gateway.identity.keys import RESOLVER


class MalformedError(ValueError):
    """The bits break a rule of their scheme; the message says which. Never leaves this package: `decode` is total."""


class Control(Struct, frozen=True):
    """The PC and XPC words beside an EPC (TDS 2.3 §9.3, §9.4), as far as the reader reported them."""

    pc: int
    xpc: int | None = None  # XPC_W1 (16 bits), or XPC_W1 and XPC_W2 (32 bits)

    @property
    def user_memory(self) -> bool:
        """UMI, bit 15h: something is in user memory."""
        return bool(self.pc >> 10 & 1)

    @property
    def iso(self) -> bool:
        """The toggle, bit 17h: the memory belongs to an ISO/IEC 15961 application, not to GS1."""
        return bool(self.pc >> 8 & 1)

    @property
    def attributes(self) -> int:
        """Bits 18h to 1Fh: attribute bits (1: hazardous material, TDS §11), or the AFI when `iso`."""
        return self.pc & 0xFF

    @property
    def text(self) -> str:
        """The control fields of an EPC Tag URI, `[att=x01][umi=1]`, then a colon; empty when all are zero (§15.2.4)."""
        fields = "" if self.iso or not self.attributes else f"[att=x{self.attributes:02X}]"
        fields += "[umi=1]" if self.user_memory else ""
        if self.xpc is not None and self.pc >> 9 & 1:
            fields += f"[xpc=x{self.xpc:08X}]" if self.xpc >> 16 else f"[xpc-w1=x{self.xpc:04X}]"
        return f"{fields}:" if fields else ""


class Identity(Struct, frozen=True):
    """What a tag or an id says about itself.

    `uri` names the thing: an EPC pure identity URI where the company prefix length is known, else its canonical GS1
    Digital Link, else a raw URI or one of our namespace. `digital_link` is canonical too and also says what else the
    tag carries (lot, dates …). `ai` holds GS1 element strings by application identifier ("00" SSCC-18, "01" GTIN-14,
    "10" lot, "21" serial …); it is shared between callers, so do not change it. `prefix` is the length of the GS1
    company prefix in digits. `error` says in words why the scheme is "raw", and is None for every other scheme.
    """

    hex: str
    scheme: str  # sgtin-96, sgtin+, … | raw | the scheme of an opaque id
    uri: str
    digital_link: str | None
    ai: dict[str, str]
    filter: int | None = None
    prefix: int | None = None
    error: str | None = None
    toggle: bool | None = None  # the +AIDC data toggle of a '+' scheme
    host: str | None = None  # the hostname that a '++' scheme carries
    control: Control | None = None

    @property
    def key(self) -> str:
        """One name for one thing, however its tag was encoded: `01/{gtin}/21/{serial}`, `00/{sscc}`, `cn-drug:…`.

        TDS 2.3 §12.3.1: SGTIN-96, SGTIN-198, SGTIN+ … are equal when their Digital Link is. Without one: the URI.
        """
        if self.uri.startswith("urn:epc:id:"):
            return self.uri if self.digital_link is None else self.digital_link[len(RESOLVER) + 1 :]
        if self.uri.startswith(f"{RESOLVER}/"):
            return self.uri[len(RESOLVER) + 1 :]
        return self.uri if self.scheme == "raw" else self.hex

    @property
    def tag_uri(self) -> str | None:
        """The EPC Tag URI or Raw URI, with filter and control fields (TDS 2.3 §12); None where TDS defines none."""
        control = self.control.text if self.control is not None else ""
        if self.scheme == "raw":
            return f"urn:epc:raw:{control}{self.uri.removeprefix('urn:epc:raw:')}"
        if not self.uri.startswith("urn:epc:id:"):
            return None
        rest = self.uri.split(":", 4)[4]
        return f"urn:epc:tag:{control}{self.scheme}:{rest if self.filter is None else f'{self.filter}.{rest}'}"
