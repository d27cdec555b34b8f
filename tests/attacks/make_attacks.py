"""Write every attack to a folder: ``python tests/attacks/make_attacks.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent)]
    from attacks import ATTACKS

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for attack in ATTACKS:
        (folder / attack.name).write_bytes(attack.make())


if __name__ == "__main__":
    main()
