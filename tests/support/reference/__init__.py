"""The rules, in plain Python: what the tables must hold, computed the slow and obvious way.

An oracle for tests. It follows docs/rules.md section by section, one short function per rule, and
shares no code with the library. `Reference.night` answers for one date from all rows that arrived
up to it, from scratch; only the ledger is carried from night to night.

Strings are compared as they are: Python orders by code point, which is the order of UTF-8 bytes.
Money is `Decimal` where it is added or compared (18 digits times 10 fit the 28 of the context), and
whole cents where it is divided.
"""
