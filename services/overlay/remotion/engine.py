"""The overlay renderer that draws with Remotion (https://www.remotion.dev): React in Chromium, from the style files."""

from __future__ import annotations

from collections.abc import Iterator

from services.enginekit.capabilities import Capabilities
from services.enginekit.options import EngineOptions
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay.engine import OverlayPicture, OverlaySpec
from services.overlay.remotion.drawer import Drawer
from services.overlay.remotion.requirements import require
from services.overlay.remotion.resolve import resolved
from services.typography.fonts import use_uploaded_fonts


class RemotionOptions(EngineOptions):
    """What an operator can set."""

    chromium: str = ""
    """Path or name of Chromium; empty for the first on the PATH."""


class RemotionEngine:
    """Draws only pictures that differ, in a browser that stays open; `version` identifies browser and code."""

    name = "remotion"
    capabilities = Capabilities(streams=True)

    def __init__(self, settings: EngineSettings) -> None:
        """Raises FailedPreconditionError (ENGINE_NOT_INSTALLED) where Node, Chromium or the packages are missing."""
        use_uploaded_fonts(settings.media_root)
        self._chromium = require(RemotionOptions.of(settings.options).chromium)

    def warm_up(self, progress: Progress) -> None:
        """Starts the browser and draws nothing in it. Raises FailedPreconditionError when it does not start."""
        progress.phase("browser", 1)
        self._drawer = Drawer(self._chromium)
        self.version = self._drawer.version

    def render(self, spec: OverlaySpec, progress: Progress) -> Iterator[OverlayPicture]:
        """Yields pictures in order of first_film_frame, captions over titles over labels.

        Raises InvalidInputError naming the glyph at fault.
        """
        with self._drawer.drawing(resolved(spec)) as (count, pictures):
            progress.phase("draw", count)
            for picture in pictures:
                progress.advance()
                yield picture
