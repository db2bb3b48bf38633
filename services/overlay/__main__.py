import sys

from services.overlay.servicer import SPEC
from services.runtime.server import serve

if __name__ == "__main__":
    sys.exit(serve(SPEC))
