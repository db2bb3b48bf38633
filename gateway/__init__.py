"""HTTP, metrics, the studio and the command line."""
