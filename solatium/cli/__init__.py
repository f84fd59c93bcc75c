"""The command `solatium`."""
