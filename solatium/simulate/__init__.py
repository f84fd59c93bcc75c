"""What if: accepted logs judged by other settings and policies, beside what was.

`solatium simulate`. It reads the tables of one commit, and writes nothing to the warehouse.
"""
