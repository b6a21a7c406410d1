"""``python -m bot``."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns inside the library
    try:
        from bot.cli import main

        code = main()
    except KeyboardInterrupt:  # while all that is imported, too
        code = 130
    sys.exit(code)
