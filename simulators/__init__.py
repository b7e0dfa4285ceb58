"""Fake devices, embedded broker, central and the dock-day player. Shares no code with the gateway, on purpose."""
