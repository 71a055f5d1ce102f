"""One process of services: `python -m operations.serve NAME...`, or `all` for every service in one process.

Patches before anything else is imported, so that whatever waits, in any library, lets the others go on.
"""

from kernel import green

green.patch()

import sys  # noqa: E402

from operations.serving import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
