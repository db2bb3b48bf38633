"""Whisper checkpoints run by CTranslate2: writes down any language it was trained on, times the words of a script."""
