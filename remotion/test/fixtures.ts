/** Numbers of the Python renderer, written by tests/remotion/make_fixtures.py. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../server/paths.js";

export function fixture<T>(name: string): T[] {
  return JSON.parse(readFileSync(join(PACKAGE, "test", "fixtures", `${name}.json`), "utf8")) as T[];
}
