"""`python -m lipstream VERB`."""

from lipstream.commands.main import run

if __name__ == "__main__":
    run()
