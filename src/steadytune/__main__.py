"""``python -m steadytune``."""

from steadytune.cli import main

if __name__ == "__main__":
    main()
