import sys

from services.runtime.server import serve
from services.tts.servicer import SPEC

if __name__ == "__main__":
    sys.exit(serve(SPEC))
