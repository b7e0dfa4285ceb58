"""What a reader's notifications mean, in the session's words."""

from gateway.model.inputs import Gpi
from gateway.readers.llrp.codec import Message, Parameter
from gateway.readers.llrp.happenings import AntennaChange, Notice, ReaderException, SessionEvent
from gateway.readers.llrp.settings import ReaderSettings
from gateway.readers.llrp.tables import label


def happened(reader: str, event: Parameter, at: int) -> list[SessionEvent]:
    """The events of the world, and of the reader's own state; nothing for those of the conversation. `at` µs UTC."""
    match event.name:
        case "GPIEvent":
            return [Gpi(reader, event.fields["GPIPortNumber"], event.fields["GPIEvent"], at)]
        case "AntennaEvent":
            antenna, connected = event.fields["AntennaID"], event.fields["EventType"] == 1
            what = "connected" if connected else "disconnected: check its cable"
            return [Notice(f"antenna {antenna} {what}"), AntennaChange(antenna, connected)]
        case "ReaderExceptionEvent":
            text = event.fields["Message"]
            where = event.first("AntennaID")
            antenna = where.fields["AntennaID"] if where is not None else None
            at_which = f" (antenna {antenna})" if antenna else ""
            notice = Notice(f"the reader reports an exception: {text}{at_which}")
            return [notice, ReaderException(text, antenna or None)]
        case "ReportBufferLevelWarningEvent":
            return [Notice(f"the reader's report memory is {event.fields['ReportBufferPercentageFull']} % full")]
        case "ReportBufferOverflowErrorEvent":
            return [Notice("the reader lost reports: its memory for them overflowed")]
    return []


def found(settings: ReaderSettings, message: Message, at: int) -> list[SessionEvent]:
    """What GET_READER_CONFIG_RESPONSE tells of the inputs and antennas we use. A level that is unknown is not told."""
    told: list[SessionEvent] = []
    for part in message.every("GPIPortCurrentState"):
        port, state = part.fields["GPIPortNum"], part.fields["State"]
        if port in settings.inputs and state in (0, 1):
            told.append(Gpi(settings.id, port, state == 1, at))
    for part in message.every("AntennaProperties"):
        antenna, connected = part.fields["AntennaID"], part.fields["AntennaConnected"]
        if antenna in settings.antennas:
            told.append(AntennaChange(antenna, connected))
            if not connected:
                told.append(Notice(f"antenna {antenna} is not connected: check its cable"))
    return told


def not_welcome(status: int) -> str:
    """What to do when the greeting is a refusal (ConnectionAttemptStatusType 1 …)."""
    if status in (1, 2):
        return (
            "another client holds the reader's only LLRP connection: ask whoever else uses this reader "
            "(a second gateway, a vendor's tool) to disconnect; after an unclean exit it ends by itself in minutes"
        )
    return (
        f"the reader refuses connections ({label('ConnectionAttemptStatusType', status)}): "
        "look at its own web page, or restart it"
    )
