/** A real mesh for the tests: `vigent up` on free ports, in a folder of its own. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const PYTHON = join(ROOT, ".venv/bin/python");
const UP = /Vigent is up: (http:\/\/[\d.:]+)/;

export type Mesh = {
  url: string;
  /** Folder of all that it keeps. */
  data: string;
  /** Kills the gateway as a crash would; the supervisor starts it again. */
  killGateway: () => void;
  stop: () => Promise<void>;
};

export async function startMesh(): Promise<Mesh> {
  const data = mkdtempSync(join(tmpdir(), "vigent-studio-"));
  const process = spawn(
    PYTHON,
    ["-c", "from gateway.cli.main import main; main()", "up", "--data", data, "--port-base", "0"],
    {
      cwd: ROOT,
      env: python(),
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const url = await addressOf(process);
  return {
    url,
    data,
    killGateway: () => void execFileSync("kill", ["-9", childOf(process, "gateway")]),
    stop: async () => {
      const ended = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGINT");
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Runs a module of the repository to its end. */
export function runPython(...module: string[]): void {
  execFileSync(PYTHON, ["-m", ...module], { cwd: ROOT, env: python(), stdio: "inherit" });
}

function python(): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: `${ROOT}:${join(ROOT, "protos/gen")}`, NO_COLOR: "1", COLUMNS: "200" };
}

function addressOf(process: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    process.once("exit", () => reject(new Error(`The mesh has ended:\n${lines.slice(-30).join("\n")}`)));
    createInterface({ input: process.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      lines.push(line);
      const found = UP.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
}

/** The process of a module among the children of the mesh. */
function childOf(mesh: ChildProcess, module: string): string {
  const found = execFileSync("pgrep", ["-P", String(mesh.pid), "-f", ` ${module}$`], { encoding: "utf8" });
  return found.trim();
}
