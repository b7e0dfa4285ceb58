"""The nouns of the house: frozen, typed, without behaviour beyond themselves (DESIGN: model).

- `inputs`: what happened outside (reads, signals, measurements, downlinks, commands): the journal's records
- `documents`: what central announces (ASN, order, lot)
- `settings`: what the rules are told about the site
- `facts`: what the rules ask of the ledger, and its answer
- `outcome`: what the rules decided, and its effects on the ledger
- `times`, `quantity`: integer microseconds and scaled quantities, and their text forms
"""
