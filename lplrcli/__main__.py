"""``python -m lplrcli``, and the command ``lplr``."""

import signal


def main() -> None:
    """Run the command line; an interrupt ends it quietly from the first moment on."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        # Loading what reports errors takes time too, and nothing is there yet to be removed.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from lplrcli.cli.main import main as command

    signal.signal(signal.SIGINT, handler)
    command()


if __name__ == "__main__":
    main()
