/** A file that is paused, whose gateway dies, and whose page is loaded anew, goes on where it was and is whole. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { onPage, speechLike } from "./browser.js";
import type { Studio } from "./studio.test.js";

const SLOW = 40_000; // bytes a second
const SOUND = speechLike(0.2);

export function resumingTests(studio: Studio): void {
  test("an upload goes on after a pause, a dead gateway and a reload, and is whole", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/music", async (page) => {
      const path = join(mkdtempSync(join(tmpdir(), "vigent-music-")), "slow.wav");
      writeFileSync(path, SOUND);
      await sendAt(page, SLOW);
      const arrived = someHasArrived(join(studio.mesh.data, "media/uploads"));
      await page.locator('input[type="file"]').setInputFiles(path);
      await page.getByText(/^[1-9]\d? % sent$/).waitFor();
      await arrived;
      await page.getByRole("button", { name: "Pause sending slow.wav" }).click();
      await page.getByText(/^Paused at/).waitFor();
      await page.getByRole("button", { name: "Go on sending slow.wav" }).click();
      studio.mesh.killGateway();
      await page.getByText("The gateway does not answer.").first().waitFor();
      await page.getByText("The gateway does not answer.").first().waitFor({ state: "detached" });
      await page.reload();
      await page.getByText("Not sent to its end.").waitFor();
      await goesOn(page, path);
      const entry = await theOnly(page, studio.mesh.url, "slow");
      const content = await page.request.get(studio.mesh.url + entry.url);
      assert.ok(SOUND.equals(await content.body()));
      assert.equal(await page.getByText("Not sent to its end.").count(), 0);
    });
  });
}

/** Bytes a second that leave the page; -1 for as many as there are. */
async function sendAt(page: Page, uploadThroughput: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const asBefore = { offline: false, latency: 0, downloadThroughput: -1 };
  await session.send("Network.emulateNetworkConditions", { ...asBefore, uploadThroughput });
}

/** What has left the page may still be on its way. */
async function someHasArrived(folder: string): Promise<void> {
  const sizes = () =>
    readdirSync(folder).map((name) => (name.endsWith(".json") ? 0 : statSync(join(folder, name)).size));
  for await (const _ of watch(folder)) if (sizes().some((size) => size > 0)) return;
}

async function goesOn(page: Page, path: string): Promise<void> {
  const offsets: number[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await sendAt(page, -1);
  await page.locator('input[type="file"]').setInputFiles(path);
  await page.getByText("Added.").waitFor();
  assert.ok((offsets[0] ?? 0) > 0, `began at ${offsets}`);
}

async function theOnly(page: Page, url: string, name: string): Promise<{ url: string }> {
  const { items } = await (await page.request.get(`${url}/api/v1/music`)).json();
  const found = items.filter((item: { name: string }) => item.name === name);
  assert.equal(found.length, 1);
  return found[0];
}
