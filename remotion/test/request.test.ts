import assert from "node:assert/strict";
import { test } from "node:test";
import { VigentError } from "../server/errors.js";
import { overlaySpec, type RenderRequest } from "../server/request.js";

const STYLE = JSON.stringify({
  version: 1,
  names: { en: "Test", zh: "测试" },
  font: { id: "noto-sans-sc", weight: 700 },
  size: 0.05,
});
const CUE = {
  firstFilmFrame: 0,
  frames: 10,
  lines: [{ text: "今天😀", words: [{ charStart: 0, charEnd: 3, firstFilmFrame: 0, endFilmFrame: 5 }] }],
};
const LABEL = { text: "AI", firstFilmFrame: 0, frames: 5, heightShare: 0.05, corner: 1, bounds: [] };
const GOOD: RenderRequest = {
  width: 1080,
  height: 1920,
  frameRateHz: 25,
  firstFilmFrame: 0,
  frames: 100,
  cues: [CUE],
  captionStyleJson: STYLE,
  title: null,
  labels: [LABEL],
};

test("defaults of styles are filled, characters are code points", () => {
  const spec = overlaySpec(GOOD);
  assert.equal(spec.captionStyle?.highlight.mode, "none");
  assert.equal(spec.captionStyle?.fill.color, "#FFFFFF");
});

const word = { charStart: 0, charEnd: 4, firstFilmFrame: 0, endFilmFrame: 5 };
const styled = (changes: object): string => JSON.stringify({ ...JSON.parse(STYLE), ...changes });
const BAD: [Partial<RenderRequest>, string, string][] = [
  [{ width: 17 }, "width", "INVALID_INPUT"],
  [{ height: 8194 }, "height", "INVALID_INPUT"],
  [{ frameRateHz: 0 }, "frame_rate_hz", "INVALID_INPUT"],
  [{ frames: 0 }, "frames", "INVALID_INPUT"],
  [{ cues: [CUE, CUE] }, "cues[1]", "CUES_OVERLAP"],
  [{ cues: [{ ...CUE, lines: [] }] }, "cues[0].lines", "INVALID_INPUT"],
  [
    { cues: [{ ...CUE, lines: [{ text: "今天😀", words: [word] }] }] },
    "cues[0].lines[0].words[0].char_end",
    "INVALID_INPUT",
  ],
  [{ cues: [{ ...CUE, lines: [{ text: "字".repeat(501), words: [] }] }] }, "cues[0].lines[0].text", "TEXT_TOO_LONG"],
  [{ cues: [{ ...CUE, lines: [{ text: " ", words: [] }] }] }, "cues[0].lines[0].text", "NOTHING_TO_SAY"],
  [{ cues: [{ ...CUE, lines: [{ text: "a\u0007", words: [] }] }] }, "cues[0].lines[0].text", "NOT_PLAIN_TEXT"],
  [{ labels: [{ ...LABEL, heightShare: 0.4 }] }, "labels[0].height_share", "INVALID_INPUT"],
  [{ labels: [{ ...LABEL, corner: 9 }] }, "labels[0].corner", "INVALID_INPUT"],
  [{ labels: [{ ...LABEL, bounds: [0, 0, 1] }] }, "labels[0].bounds", "INVALID_INPUT"],
  [{ captionStyleJson: "{" }, "caption_style_json", "STYLE_INVALID"],
  [{ captionStyleJson: styled({ colour: 1 }) }, "caption_style_json", "STYLE_INVALID"],
  [{ captionStyleJson: styled({ fill: { color: "red" } }) }, "caption_style_json.fill.color", "STYLE_INVALID"],
  [{ captionStyleJson: styled({ font: { id: "x", weight: 700 } }) }, "caption_style_json.font", "FONT_NOT_FOUND"],
];

for (const [changes, field, reason] of BAD) {
  test(`${field} that cannot be drawn is named (${reason})`, () => {
    assert.throws(
      () => overlaySpec({ ...GOOD, ...changes }),
      (error) => {
        assert.ok(error instanceof VigentError);
        assert.deepEqual([error.field, error.reason], [field, reason]);
        return true;
      },
    );
  });
}
