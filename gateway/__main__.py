"""`python -m gateway` is `tallyman`."""

from gateway.cli import main

if __name__ == "__main__":
    main(prog_name="tallyman")
