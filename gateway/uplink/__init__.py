"""The wires to central: the outbox over MQTT, downlinks into inputs, telemetry into InfluxDB (DESIGN §3, §6).

- `settings`: what the wires are told; secrets never show in a repr
- `mqtt`: the one subclass of aiomqtt's client: PUBACK reason codes, acknowledgement after commit, windows
- `outbox`: events in order, settled by PUBACK, parked by refusal
- `state`: retained state topics, coalesced, after their events
- `downlink`: `down/…` and `cmd/…` into inputs, acknowledged after the commit
- `link`: one connection to the broker, from birth to loss
- `line_protocol`: measurements and weighings as InfluxDB lines
- `telemetry`: samples into the durable spool
- `influx`: the spool into InfluxDB
"""
