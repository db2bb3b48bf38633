/** Logging: one line a record on stderr, `time level process logger: message`, as in services/base/log.py. */

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;
type Level = (typeof LEVELS)[number];

let least = LEVELS.indexOf("INFO");

export function configureLogging(level: string): void {
  const index = LEVELS.indexOf(level.toUpperCase() as Level);
  least = index < 0 ? LEVELS.indexOf("INFO") : index;
}

/** Never the text of a script. */
export function log(level: Level, logger: string, message: string): void {
  if (LEVELS.indexOf(level) < least) return;
  const time = new Date().toISOString().replace("Z", "+00:00");
  process.stderr.write(`${time} ${level} overlay ${logger}: ${message.replaceAll("\n", "\\n ")}\n`);
}

/** For people and for programs that start servers: standard output, where no log goes. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
