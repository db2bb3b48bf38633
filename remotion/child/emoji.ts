/** Where emoji stand in a text (Unicode Technical Standard #51), as in services/text/emoji.py. */

const FLAG = "[\\u{1f1e6}-\\u{1f1ff}]{2}";
const KEYCAP = "[0-9#*]\\ufe0f?\\u20e3";
const TAGS = "[\\u{e0020}-\\u{e007f}]";
const SKIN = "[\\u{1f3fb}-\\u{1f3ff}]";
const PICTOGRAPH = "[\\u{1f000}-\\u{1f1e5}\\u{1f200}-\\u{1faff}]";
// Text by default: an emoji only where U+FE0F follows.
const SYMBOL =
  "[\\u00a9\\u00ae\\u203c\\u2049\\u2122\\u2139\\u2190-\\u21ff\\u2300-\\u23ff\\u2460-\\u24ff" +
  "\\u25a0-\\u27bf\\u2900-\\u297f\\u2b00-\\u2bff\\u3030\\u303d\\u3297\\u3299]";
// Emoji by default: Emoji_Presentation of the Basic Multilingual Plane.
const EMOJI_SYMBOL =
  "[\\u231a\\u231b\\u23e9-\\u23ec\\u23f0\\u23f3\\u25fd\\u25fe\\u2614\\u2615\\u2648-\\u2653\\u267f\\u2693\\u26a1\\u26aa\\u26ab\\u26bd" +
  "\\u26be\\u26c4\\u26c5\\u26ce\\u26d4\\u26ea\\u26f2\\u26f3\\u26f5\\u26fa\\u26fd\\u2705\\u270a\\u270b\\u2728\\u274c\\u274e" +
  "\\u2753-\\u2755\\u2757\\u2795-\\u2797\\u27b0\\u27bf\\u2b1b\\u2b1c\\u2b50\\u2b55]";
const FIRST = `(?:${PICTOGRAPH}\\ufe0f?|${SYMBOL}\\ufe0f|${SYMBOL}(?=${SKIN})|${EMOJI_SYMBOL})${SKIN}?${TAGS}*`;
const JOINED = `(?:${PICTOGRAPH}|${SYMBOL})\\ufe0f?${SKIN}?`;

/**
 * One emoji sequence: a flag, a keycap, or pictographs with skin tones, joined by ZERO WIDTH JOINER.
 *
 * Symbols that are text by default (arrows, check marks, the copyright sign) count only before U+FE0F.
 */
export const EMOJI = new RegExp(`(?:${FLAG}|${KEYCAP}|${FIRST}(?:\\u200d${JOINED})*)`, "gu");
