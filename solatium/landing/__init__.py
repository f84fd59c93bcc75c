"""The landing zone: files in, accepted rows and the quarantine out (docs/rules.md section 2)."""
