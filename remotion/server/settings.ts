/** Settings: VIGENT_OVERLAY_* in the environment, then [overlay] in vigent.toml, then the defaults of services/base/settings.py. */

import { existsSync, readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { InvalidInputError } from "./errors.js";

const SECTION = "overlay";
const PREFIX = "VIGENT_OVERLAY_";

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly logLevel: string;
  readonly mediaRoot: string;
  /** Path or name of Chromium; empty: the first that is on PATH. */
  readonly chromium: string;
  readonly slots: number;
  readonly queueLimit: number;
  /** Time without a finished frame that counts as hung. */
  readonly stallBudgetS: number;
  readonly loadBudgetS: number;
  /** How long a call waits for its caller to read. */
  readonly callerBudgetS: number;
  readonly watchIntervalS: number;
  readonly progressIntervalS: number;
  readonly drainDelayS: number;
  readonly drainGraceS: number;
  readonly maxMessageBytes: number;
  readonly maxConnectionAgeS: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws InvalidInputError naming the setting at fault. */
export function loadSettings(environment: Environment): Settings {
  const file = readToml(environment.VIGENT_CONFIG ?? "vigent.toml");
  const section = (file[SECTION] ?? {}) as Record<string, unknown>;
  const read = new Reader(environment, section);
  const engine = read.text("engine", "remotion");
  if (engine !== "" && engine !== "remotion") {
    throw new InvalidInputError(`There is no engine '${engine}' here.`, "Choose remotion.", {
      field: `${PREFIX}ENGINE`,
    });
  }
  return {
    host: read.text("host", "127.0.0.1"),
    port: read.whole("port", 8054, 0, 65_535),
    metricsPort: read.whole("metrics_port", 9154, 0, 65_535),
    logLevel: read.text("log_level", "INFO"),
    mediaRoot: environment.VIGENT_MEDIA_ROOT ?? read.text("media_root", String(file.media_root ?? ".vigent/media")),
    chromium: read.text("chromium", ""),
    slots: read.whole("slots", 1, 1, 64),
    queueLimit: read.whole("queue_limit", 8, 0),
    stallBudgetS: read.seconds("stall_budget_s", 10),
    loadBudgetS: read.seconds("load_budget_s", 600),
    callerBudgetS: read.seconds("caller_budget_s", 120),
    watchIntervalS: read.seconds("watch_interval_s", 0.25),
    progressIntervalS: read.seconds("progress_interval_s", 1, 2),
    drainDelayS: read.number("drain_delay_s", 0.5, 0),
    drainGraceS: read.number("drain_grace_s", 30, 0),
    maxMessageBytes: read.whole("max_message_bytes", 8 * 2 ** 20, 1),
    maxConnectionAgeS: read.seconds("max_connection_age_s", 1800),
  };
}

class Reader {
  constructor(
    private readonly environment: Environment,
    private readonly section: Readonly<Record<string, unknown>>,
  ) {}

  text(name: string, otherwise: string): string {
    const value = this.environment[PREFIX + name.toUpperCase()] ?? this.section[name];
    return value === undefined ? otherwise : String(value);
  }

  number(name: string, otherwise: number, least: number, most = Infinity): number {
    const text = this.text(name, String(otherwise)).trim();
    const value = Number(text);
    if (text === "" || Number.isNaN(value) || value < least || value > most) {
      const wanted = most === Infinity ? `a number of at least ${least}` : `${least} to ${most}`;
      throw invalid(name, `Input should be ${wanted}: '${text}'.`);
    }
    return value;
  }

  whole(name: string, otherwise: number, least: number, most = Infinity): number {
    const value = this.number(name, otherwise, least, most);
    if (!Number.isInteger(value)) throw invalid(name, `Input should be a whole number: '${value}'.`);
    return value;
  }

  seconds(name: string, otherwise: number, most = Infinity): number {
    const value = this.number(name, otherwise, 0, most);
    if (value === 0) throw invalid(name, "Input should be greater than 0: '0'.");
    return value;
  }
}

function invalid(name: string, problem: string): InvalidInputError {
  const remedy = `Set ${PREFIX}${name.toUpperCase()}, or ${name} below [${SECTION}] in vigent.toml.`;
  return new InvalidInputError(problem, remedy, { field: name });
}

function readToml(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    const problem = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
    throw new InvalidInputError(`${path} is no TOML: ${problem}.`, "Correct that line.");
  }
}
