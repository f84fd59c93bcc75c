"""Where files lie, and who may write there."""
