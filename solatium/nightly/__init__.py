"""A run: which dates it handles, and the way of one date through all rooms."""
