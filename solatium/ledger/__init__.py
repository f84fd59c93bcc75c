"""The ledger: what is posted, sealed, paid out and audited (docs/rules.md section 8)."""
