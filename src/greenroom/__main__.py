"""The `greenroom` command: Django's management commands under the project's own name."""

import os
import sys


def main() -> None:
    """Run one command, such as `greenroom tick`; `greenroom help` lists them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "greenroom.config.settings.base")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 -- slow import

    execute_from_command_line(["greenroom", *sys.argv[1:]])


if __name__ == "__main__":
    main()
