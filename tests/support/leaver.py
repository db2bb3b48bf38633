"""A process of a mesh that ends at once, with code 3, and leaves the command in LEFT behind; prints that one's pid."""

import os
import subprocess

if __name__ == "__main__":
    print("child", subprocess.Popen(os.environ["LEFT"].split()).pid, flush=True)
    os._exit(3)  # without waiting for the child
