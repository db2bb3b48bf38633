import sys

from services.media.opencv import let_opencv_threads_sleep

if __name__ == "__main__":
    let_opencv_threads_sleep()
    from orchestrator.server import serve

    sys.exit(serve())
