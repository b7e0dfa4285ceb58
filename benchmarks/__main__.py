"""`python -m benchmarks`."""

import sys

from benchmarks.cli import main
from gateway import logs

logs.configure("error", "console")  # to stderr: stdout is the figures'
sys.exit(main())
