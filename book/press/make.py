"""Check, split and execute chapters: what an author runs while writing."""

import sys

from book.press import execute, parity

if __name__ == "__main__":
    parity.main(sys.argv[1:])
    execute.main(sys.argv[1:])
