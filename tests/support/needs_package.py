"""An engine whose extra is not installed."""

import not_installed  # type: ignore[import-not-found]  # noqa: F401


class NeedsPackage:
    """Is never made."""
