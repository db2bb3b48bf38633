#!/bin/sh
# Starts Chromium with what Remotion cannot be told: to draw when asked, without waiting for the next tick of a screen,
# by the processor, which for screenshots is faster than an emulated graphics card, and every picture whole: mending
# only what changed leaves edges that depend on what the page showed before. The files of the bundle are of one origin,
# or the page would not be told what is wrong in them. It reads nothing from afar, so no proxy has a say.
exec "$VIGENT_CHROMIUM_EXECUTABLE" --disable-frame-rate-limit --disable-gpu-vsync --disable-gpu --disable-partial-raster \
  --allow-file-access-from-files --no-proxy-server "$@"
