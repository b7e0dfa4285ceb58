"""How people and machines beside the gateway talk to it.

- `http`: /healthz, /readyz, /metrics on the loopback address
- `command_socket`: the unix socket that takes commands and gives live decisions; `client` is its other end
"""
