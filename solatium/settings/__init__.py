"""The configuration: read once, checked whole, frozen (docs/rules.md section 9)."""
