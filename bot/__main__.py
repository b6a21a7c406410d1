"""``python -m bot``."""

import os
import sys

from bot.cli import main

if __name__ == "__main__":
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns inside the library
    sys.exit(main())
