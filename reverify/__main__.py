"""`python -m reverify`, which does what `reverify` does."""

from reverify.cli import main

if __name__ == "__main__":
    main()
