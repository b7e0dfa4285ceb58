"""Announcements from files: JSON and CSV become documents, in pieces of bounded size, each place known by its line.

- `pieces`: what a reader yields, and how a long document is cut
- `json_files`, `csv_files`: the two readers, which stream
- `checking`: every bad row of a piece, by the rules that the gateway applies too
- `sending`: all files checked first, then the sound documents handed to the gateway
"""
