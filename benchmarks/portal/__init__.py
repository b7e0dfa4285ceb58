"""The portal benchmark: shifts of the RF generator through the real engine, against their truth, beside two rivals.

- `playing`: a shift through engine and ledger; what the gateway said
- `rivals`: what EdgeX's mobility formula and "seen twice" say of the same reads
- `scoring`: answers matched to the truth and counted
- `table`: families × variants over the cores, and the figures
- `showing`: the worst cases, tag by tag, for whoever tunes the engine (`python -m benchmarks.portal --help`)
"""
