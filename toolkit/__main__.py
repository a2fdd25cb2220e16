"""`python -m toolkit` is the console script."""

from toolkit.cli import main

# Spawned decoders and loaders import this module again; only the first process runs a command.
if __name__ == "__main__":
    main()
