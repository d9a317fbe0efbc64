"""`python -m gateway.verifying` is `gateway-verify`."""

import sys

from gateway.verifying.command import main

sys.exit(main())
