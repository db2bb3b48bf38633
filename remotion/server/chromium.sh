#!/bin/sh
# Starts Chromium with what Remotion cannot be told: to draw when asked, without waiting for the next tick of a screen,
# and by the processor, which for screenshots is faster than an emulated graphics card.
exec "$VIGENT_CHROMIUM_EXECUTABLE" --disable-frame-rate-limit --disable-gpu-vsync --disable-gpu "$@"
