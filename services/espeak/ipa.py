"""IPA in the phoneme names of espeak-ng's American English (espeak-ng's docs/phonemes.md)."""

from __future__ import annotations

import re
import unicodedata

_PHONEMES = {
    # Vowels and diphthongs; those that English lacks as the nearest that it has.
    "aɪ": "aI", "aʊ": "aU", "eɪ": "eI", "oʊ": "oU", "əʊ": "oU", "ɔɪ": "OI", "ɪə": "i@", "ɪɹ": "i@r", "eə": "e@",
    "ɛə": "e@", "ʊə": "U@", "iː": "i:", "uː": "u:", "ɑː": "A:", "ɔː": "O:", "ɜː": "3:", "aː": "A:", "oː": "oU",
    "eː": "eI", "ɛː": "E", "yː": "u:", "øː": "3:", "ɑɹ": "A@", "ɔɹ": "O@",
    "i": "i:", "y": "u:", "ɨ": "I", "ʉ": "u:", "ɯ": "u:", "u": "u:", "ɪ": "I", "ʏ": "I", "ʊ": "U", "e": "E",
    "ø": "3:", "ɘ": "@", "ɵ": "@", "ɤ": "V", "o": "oU", "ə": "@", "ɛ": "E", "œ": "3:", "ɜ": "3:", "ɞ": "3:",
    "ʌ": "V", "ɔ": "O:", "æ": "a", "ɐ": "V", "a": "a", "ɶ": "a", "ɑ": "A:", "ɒ": "0", "ɚ": "3", "ɝ": "3:",
    # Consonants, likewise.
    "tʃ": "tS", "dʒ": "dZ", "ʧ": "tS", "ʤ": "dZ", "ʦ": "ts", "ʣ": "dz", "tɕ": "tS", "dʑ": "dZ", "tʂ": "tS", "dʐ": "dZ",
    "l\u0329": "@L", "n\u0329": "@n", "m\u0329": "@m",
    "p": "p", "b": "b", "t": "t", "d": "d", "ʈ": "t", "ɖ": "d", "c": "k", "ɟ": "g", "k": "k", "ɡ": "g", "q": "k",
    "ɢ": "g", "ʔ": "?", "ʡ": "?", "m": "m", "ɱ": "m", "n": "n", "ɳ": "n", "ɲ": "nj", "ŋ": "N", "ɴ": "N", "ʙ": "b",
    "r": "r", "ɹ": "r", "ɻ": "r", "ɾ": "t#", "ɽ": "r", "ʀ": "r", "ʁ": "r", "ɺ": "l", "ɸ": "f", "β": "v", "f": "f",
    "v": "v", "ⱱ": "v", "θ": "T", "ð": "D", "s": "s", "z": "z", "ʃ": "S", "ʒ": "Z", "ʂ": "S", "ʐ": "Z", "ç": "h",
    "ʝ": "j", "x": "k", "ɣ": "g", "χ": "k", "ħ": "h", "ʕ": "h", "h": "h", "ɦ": "h", "ɧ": "S", "ʜ": "h", "ʢ": "h",
    "ɕ": "S", "ʑ": "Z", "ɬ": "l", "ɮ": "l", "ʋ": "v", "j": "j", "ɰ": "w", "w": "w", "ʍ": "w", "ɥ": "w", "l": "l",
    "ɫ": "l", "ɭ": "l", "ʎ": "lj", "ʟ": "l", "ɓ": "b", "ɗ": "d", "ʄ": "g", "ɠ": "g", "ʛ": "g", "ʘ": "p", "ǀ": "t",
    "ǃ": "t", "ǂ": "t", "ǁ": "l",
    "ˈ": "'", "ˌ": ",", " ": " ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(sorted(map(re.escape, _PHONEMES), key=len, reverse=True)))
_TIES = dict.fromkeys(map(ord, "\u0361\u035c"))


def phonemes_of(ipa: str) -> str:
    """Espeak's phonemes for IPA; marks that it has no phoneme for (length of consonants, aspiration) are left out."""
    plain = unicodedata.normalize("NFD", ipa).translate(_TIES).replace("c\u0327", "ç")
    return "".join(_PHONEMES[match[0]] for match in _SYMBOL.finditer(plain))
