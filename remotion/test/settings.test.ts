import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { InvalidInputError } from "../server/errors.js";
import { loadSettings } from "../server/settings.js";

function toml(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "vigent-")), "vigent.toml");
  writeFileSync(path, text);
  return path;
}

const NONE = { VIGENT_CONFIG: "/nonexistent.toml" };

test("defaults are those of every model server", () => {
  const settings = loadSettings(NONE);
  assert.deepEqual([settings.host, settings.port, settings.metricsPort], ["127.0.0.1", 8054, 9154]);
  assert.deepEqual([settings.slots, settings.queueLimit, settings.stallBudgetS], [1, 8, 10]);
});

test("the environment comes before the file", () => {
  const file = toml('media_root = "/media"\n[overlay]\nport = 1234\nslots = 2\n');
  const settings = loadSettings({ VIGENT_CONFIG: file, VIGENT_OVERLAY_PORT: "0" });
  assert.deepEqual([settings.port, settings.slots, settings.mediaRoot], [0, 2, "/media"]);
});

for (const [name, value] of [
  ["PORT", "70000"],
  ["PORT", "x"],
  ["SLOTS", "0"],
  ["SLOTS", "1.5"],
  ["STALL_BUDGET_S", "0"],
  ["PROGRESS_INTERVAL_S", "2.1"],
  ["ENGINE", "plain"],
] as const) {
  test(`${name}=${value} is refused by name`, () => {
    assert.throws(
      () => loadSettings({ ...NONE, [`VIGENT_OVERLAY_${name}`]: value }),
      (error) => {
        assert.ok(error instanceof InvalidInputError);
        assert.ok(error.message.includes(`VIGENT_OVERLAY_${name}`), error.message);
        return true;
      },
    );
  });
}

test("a file that is no TOML is named", () => {
  assert.throws(() => loadSettings({ VIGENT_CONFIG: toml("[overlay\n") }), /is no TOML/);
});
