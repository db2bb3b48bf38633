"""The mesh on this machine: its processes, started, watched and ended together."""
