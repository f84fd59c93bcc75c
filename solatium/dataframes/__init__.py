"""What several rooms share about data frames."""
