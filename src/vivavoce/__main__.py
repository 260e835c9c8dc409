"""``python -m vivavoce``."""

from vivavoce.cli.main import app

if __name__ == "__main__":
    app(prog_name="vivavoce")
