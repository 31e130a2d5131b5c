"""`python -m symphys` is the command line."""

from symphys.cli import main

main(prog_name="symphys")
