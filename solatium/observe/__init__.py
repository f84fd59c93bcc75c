"""What a run says to machines that watch it: metrics, and lineage."""
