"""The command `vader-mlx`: outside of the package, so that Ctrl-C is answered while the package is being imported."""

import sys


def main() -> None:
    """See `mlx_vader.cli.main`."""
    try:
        from mlx_vader.cli import main as run

        run()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
