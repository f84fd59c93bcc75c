"""The platform database: Delta tables, commit records, and their readers."""
