/** Uploads into the libraries, and entries that mean harm. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examine } from "./access.js";
import { message, onPage } from "./browser.js";
import { fill } from "./films.js";
import { ROOT } from "./mesh.js";
import type { Studio } from "./studio.test.js";

const MUSIC = readFileSync(join(ROOT, "assets/music/good-steps.m4a"));
const PICTURE = readFileSync(join(ROOT, "docs/styles.png"));

export function libraryTests(studio: Studio): void {
  test("a picture of the presenter is dropped in, looked at, and can be chosen", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/footage", async (page) => {
      const picture = await page.evaluate(drawn);
      await page.evaluate(drop, { bytes: picture, name: "Ada.png", type: "image/png" });
      await page.getByText("Added.").waitFor();
      await page.getByRole("heading", { name: "Ada" }).waitFor();
      await page.getByRole("button", { name: "Look at Ada" }).click(); // who is no face at all
      await page.getByRole("alert").filter({ hasText: /face/ }).waitFor();
      await page.getByRole("button", { name: "Close", exact: true }).click();
      await page
        .getByRole("button", { name: /^Look at (?!Ada)/ })
        .first()
        .click();
      await page.getByRole("img", { name: "Where the face is" }).waitFor();
      await page.getByText("Height of the face").waitFor();
      await page.getByAltText("How the film will look").waitFor();
      await examine(page, "what was found in footage");
      await page.goto(studio.mesh.url);
      await page.getByRole("radio", { name: /Ada/ }).check();
    });
  });

  test("a film that fails says why, what to do, and its number; its settings can be used again", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await fill(page, "Nobody is here.");
      await page.getByRole("radio", { name: /Ada/ }).check();
      await page.getByRole("alert").filter({ hasText: /face/ }).waitFor();
      await page.getByRole("button", { name: "Make the film" }).click();
      await page.waitForURL("**/works/job-*");
      await page.getByText("Failed", { exact: true }).waitFor();
      await page.getByRole("alert").filter({ hasText: /face/ }).waitFor();
      await page.getByRole("button", { name: "Copy" }).click();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(page.url().endsWith(copied), copied);
      await page.getByRole("button", { name: "Go on where it stopped" }).waitFor();
    });
  });

  test("a file of another kind is refused in words; consent comes before a voice", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/music", async (page) => {
      const picked = { name: "notes.m4a", mimeType: "audio/mp4", buffer: Buffer.from("no sound at all") };
      await page.locator('input[type="file"]').setInputFiles(picked);
      await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
      await page.getByRole("link", { name: "Voices" }).click();
      await page.getByRole("button", { name: "Choose files" }).click();
      await page.getByText("Say who speaks and in which words they agreed, first.").waitFor();
      await page.getByLabel("Who speaks").fill("Ada");
      await page.getByLabel("Words of the consent").fill("I agree.");
      await page.locator('input[type="file"]').setInputFiles({ name: "ada.m4a", mimeType: "audio/mp4", buffer: MUSIC });
      await page.getByText("Added.").waitFor();
      await page
        .getByText(/consent of Ada/)
        .first()
        .waitFor();
      await page.goto(studio.mesh.url);
      await page.getByText("The voice engine that runs does not clone").waitFor();
    });
  });

  test("names with markup are shown as text; deleting an entry can be undone", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/footage", async (page) => {
      const name = '<img src=x onerror="document.title=1">';
      const form = { file: { name: "x.png", mimeType: "image/png", buffer: PICTURE }, name };
      const sent = await page.request.post(`${studio.mesh.url}/api/v1/footage`, { multipart: form });
      assert.equal(sent.status(), 201, await sent.text());
      await page.reload();
      await page.getByRole("heading", { name }).waitFor();
      await page.getByRole("button", { name: `Delete ${name}` }).click();
      await message(page, "is deleted").getByRole("button", { name: "Undo" }).click();
      await page.getByRole("heading", { name }).waitFor();
      await page.getByRole("button", { name: `Delete ${name}` }).click();
      const gone = page.waitForResponse((response) => response.request().method() === "DELETE");
      await message(page, "is deleted").getByRole("button", { name: "Close the message" }).click();
      assert.equal((await gone).status(), 204);
    });
  });
}

/** A PNG as large as footage is to be. */
function drawn(): Promise<number[]> {
  const canvas = Object.assign(document.createElement("canvas"), { width: 720, height: 1280 });
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.fillStyle = "tan";
  context.fillRect(0, 0, 720, 1280);
  return new Promise((resolve) => {
    canvas.toBlob(async (blob) => resolve([...new Uint8Array(await (blob as Blob).arrayBuffer())]));
  });
}

function drop({ bytes, name, type }: { bytes: number[]; name: string; type: string }): void {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
}
