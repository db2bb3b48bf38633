/** Voices recorded in the browser with their consent, and heard as loud as each other. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { onPage, speechLike } from "./browser.js";
import type { Studio } from "./studio.test.js";

const STATEMENT = "I agree that my voice is cloned for these tests.";

export function recordingTests(studio: Studio): void {
  test("a voice is recorded, judged and kept with its consent", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/voices", async (page) => {
      await page.context().grantPermissions(["microphone"]);
      await page.getByRole("button", { name: "Record", exact: true }).click();
      await page.waitForFunction(() => Number(document.querySelector(".meter")?.getAttribute("aria-valuenow")) > -30);
      await page.waitForFunction(() => document.querySelector(".recorder-time")?.textContent === "0:07");
      await page.getByRole("button", { name: "Stop recording" }).click();
      await page.getByText("Loud enough, clear, and not too short.").waitFor();
      await page.getByRole("button", { name: "Listen to your recording" }).click();
      await page.getByRole("button", { name: "Stop your recording" }).waitFor();
      await page.getByRole("button", { name: /^Keep it/ }).click();
      await page.getByText("Say who speaks and in which words they agreed, first.").waitFor();
      await page.getByLabel("Who speaks").fill("Grace");
      await page.getByLabel("Words of the consent").fill(STATEMENT);
      await page.getByRole("button", { name: /^Keep it/ }).click();
      await page.getByText("Added.").waitFor();
      await page.locator(".entry-consent").filter({ hasText: STATEMENT }).waitFor();
      const { items } = await (await page.request.get(`${studio.mesh.url}/api/v1/voices`)).json();
      const kept = items.find((voice: { consent: { person: string } }) => voice.consent.person === "Grace");
      assert.equal(kept.consent.given_time.slice(0, 10), new Date().toISOString().slice(0, 10));
      assert.match(kept.reference_text, /^Good morning, and welcome\./);
      assert.ok(kept.duration_s > 6, `${kept.duration_s} s`);
    });
  });

  test("a short recording and a microphone that may not be heard are told in words", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/voices", async (page) => {
      await page.getByRole("button", { name: "Record", exact: true }).click();
      await page.getByRole("alert").filter({ hasText: "does not let this page hear the microphone" }).waitFor();
      await page.context().grantPermissions(["microphone"]);
      await page.getByRole("button", { name: "Record", exact: true }).click();
      await page.getByRole("button", { name: "Stop recording" }).click();
      await page.getByText("It is very short").waitFor();
      await page.getByRole("button", { name: "Record again" }).waitFor();
    });
  });

  test("voices are heard as loud as each other", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/voices", async (page) => {
      for (const [person, peak] of [
        ["Loud", 0.5],
        ["Soft", 0.05],
      ] as const) {
        const told = { person, statement: STATEMENT };
        const file = { name: `${person}.wav`, mimeType: "audio/wav", buffer: speechLike(peak) };
        await page.request.post(`${studio.mesh.url}/api/v1/voices`, { multipart: { ...told, file } });
      }
      await page.reload();
      const gains = [await gainOf(page, "Loud"), await gainOf(page, "Soft")];
      const difference_db = 20 * Math.log10((gains[1] as number) / (gains[0] as number));
      assert.ok(Math.abs(difference_db - 20) < 0.5, `${difference_db} dB`);
    });
  });
}

/** The gain with which a voice is heard. */
async function gainOf(page: Page, name: string): Promise<number> {
  await page.evaluate(() => {
    const told = window as unknown as { gain?: number };
    delete told.gain;
    const own = AudioParam.prototype.setTargetAtTime;
    AudioParam.prototype.setTargetAtTime = function (value, ...times) {
      told.gain = value;
      return own.call(this, value, ...times);
    };
  });
  await page.getByRole("button", { name: `Listen to ${name}` }).click();
  const gain = await page.waitForFunction(() => (window as unknown as { gain?: number }).gain);
  return (await gain.jsonValue()) as number;
}
