"""Logs to try the pipeline with: rush sales of any size, made up from a seed."""
