/**
 * The child that draws: `node dist/child/main.js CHROMIUM REPLIES`, started by services/overlay/remotion/drawer.py.
 *
 * Orders come on standard input, a line of JSON each, and are answered in turn on the file descriptor REPLIES: the length
 * of a JSON head (32 bits, little-endian), the head, and behind a picture's head its RGBA. The first answer comes unasked:
 * what draws here, or why nothing can. This process ends with its input, and when page or browser are lost.
 */

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { NOTHING } from "../src/drawing.js";
import { ensureBundle, sourceDigest } from "./bundle.js";
import { ChromiumFault, startChromium, versionOf } from "./chromium.js";
import { Page, PageLost } from "./page.js";
import { Rendering } from "./renderer.js";
import type { OverlaySpec } from "./spec.js";

/** With `spec`: begin this call. With `end`: forget it, which is not answered. Else: its next picture. */
interface Order {
  readonly call: number;
  readonly spec?: OverlaySpec;
  readonly end?: true;
}

const LOOK_INTERVAL_MS = 2000;
/** How long an idle page may take to say that it is there. */
const ANSWER_BUDGET_S = 10;

const [executable = "", descriptor = ""] = process.argv.slice(2);
const replies = Number(descriptor);
const renderings = new Map<number, Rendering>();

function reply(head: object, data: Buffer = Buffer.alloc(0)): void {
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  for (const part of [Buffer.concat([length, json]), data]) {
    for (let sent = 0; sent < part.length; ) sent += writeSync(replies, part, sent);
  }
}

async function openPage(): Promise<Page> {
  const bundle = await ensureBundle();
  const chromium = await startChromium(executable);
  const page = await Page.open(chromium, bundle);
  await page.draw(NOTHING); // loads all that later drawings need
  reply({ version: `${await versionOf(chromium)} ${sourceDigest("src", "child", "package-lock.json")}` });
  return page;
}

async function obey(order: Order, page: Page): Promise<void> {
  try {
    await answer(order, page);
  } catch (error) {
    if (error instanceof PageLost) throw error;
    renderings.delete(order.call);
    reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

async function answer({ call, spec, end }: Order, page: Page): Promise<void> {
  if (end) {
    renderings.delete(call);
  } else if (spec) {
    const rendering = new Rendering(spec, page);
    renderings.set(call, rendering);
    reply({ pictures: rendering.count });
  } else {
    const picture = await renderings.get(call)?.next();
    if (!picture) throw new Error(`there is no further picture of call ${call}`);
    const { data, ...head } = picture;
    reply(head, data);
  }
}

/** Under a call it is the watchdog of the server that finds a hang. */
async function lookWhenIdle(page: Page): Promise<void> {
  if (!page.idle || (await page.answers(ANSWER_BUDGET_S))) return;
  process.stderr.write("Chromium or its page died or froze while nobody drew\n");
  process.exit(1);
}

try {
  const page = await openPage();
  setInterval(() => void lookWhenIdle(page), LOOK_INTERVAL_MS);
  for await (const line of createInterface({ input: process.stdin })) await obey(JSON.parse(line) as Order, page);
  process.exit(0);
} catch (error) {
  if (error instanceof ChromiumFault) reply({ fault: error.message });
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
