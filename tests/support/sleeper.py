"""A process of a mesh that listens nowhere and lives until it is ended."""

import signal

if __name__ == "__main__":
    signal.pause()
