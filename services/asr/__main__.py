import sys

from services.asr.servicer import SPEC
from services.runtime.server import serve

if __name__ == "__main__":
    sys.exit(serve(SPEC))
