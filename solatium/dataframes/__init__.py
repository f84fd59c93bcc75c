"""What several packages share about data frames: no rule, no table, no engine."""
