import sys

from orchestrator.server import serve

if __name__ == "__main__":
    sys.exit(serve())
