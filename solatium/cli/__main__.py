"""`python -m solatium.cli`."""

from solatium.cli.app import main

main()
