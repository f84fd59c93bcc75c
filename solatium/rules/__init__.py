"""The rules, as pure functions of data frames (docs/rules.md sections 3 to 8)."""
