"""Lipstream's command line in a checkout: `python main.py VERB`. Installed, it is `lipstream VERB`."""

from lipstream.commands.main import run

if __name__ == "__main__":
    run()
