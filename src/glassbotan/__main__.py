"""python -m glassbotan."""

from glassbotan.cli import main

if __name__ == "__main__":
    main()
