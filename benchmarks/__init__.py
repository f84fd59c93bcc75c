"""How long a night takes and what it needs, against the same night written by hand."""
