"""Why an account won or lost: the facts that the tables have, and sentences that say them."""
