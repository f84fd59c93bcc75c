"""A period of business dates as one page for people: `solatium report`."""
