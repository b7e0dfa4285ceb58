"""The ledger: what the gateway holds to be true, and what it has promised to tell (DESIGN §3, §4 step 5).

- `store`: `Ledger`, the one writer: open, facts, commit, outbox
- `queries`: `View`, the read side for people and the API; works beside a running gateway
- `tables`: the schema; `migrations/`: how older files get there (Alembic)
- `effects`, `announcements`, `decisions`: an outcome becomes rows; `facts`: questions become answers
- `outbox`: promised events: pending, settled, parked
- `telemetry`: the measurements' own file: spool and ring
- `thread`: the one writer thread

Only this package knows SQLAlchemy and Alembic; nothing below `store` and `queries` commits by itself.
"""
