"""The laws that every night is checked against before it is committed."""
