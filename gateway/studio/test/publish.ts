/** A finished film is held against the rules of the platforms, packed, and its posts are kept. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { message, onPage } from "./browser.js";
import type { Studio } from "./studio.test.js";

const card = (page: Page, name: string): Locator => page.getByRole("article", { name });

export function publishTests(studio: Studio): void {
  test("rules are told as texts are written, the pack has them, and posts are kept", async () => {
    await onPage(studio.browser, studio.mesh.url, "/publish", async (page) => {
      await writeTexts(page);
      await choosesCover(page);
      await packs(page);
      await posts(page);
      await page.reload();
      assert.equal(await page.getByRole("textbox", { name: "Title" }).first().inputValue(), "标题");
      await card(page, "YouTube").getByText("Posted", { exact: true }).waitFor();
    });
  });

  test("Chinese words stand apart from Latin names, and from no others", async () => {
    const { browser, mesh } = studio;
    const locale = { locale: "zh-CN" };
    await onPage(
      browser,
      mesh.url,
      "/publish",
      async (page) => {
        await page.getByText("只用于 YouTube。", { exact: true }).waitFor();
        await page.getByText("只用于抖音。", { exact: true }).waitFor();
        await page.getByText("已经发布到 YouTube？填写链接：", { exact: true }).waitFor();
      },
      locale,
    );
  });

  test("what is written in the last moment is kept when the page is left", async () => {
    await onPage(studio.browser, studio.mesh.url, "/publish", async (page) => {
      const title = page.getByRole("textbox", { name: "Title" }).first();
      await title.fill("In the last moment");
      await page.getByRole("link", { name: "Mesh", exact: true }).click();
      await page.getByRole("link", { name: "Publish", exact: true }).click();
      await page.waitForFunction(
        () => document.querySelector<HTMLInputElement>(".texts input")?.value === "In the last moment",
      );
    });
  });
}

/** Too long for one platform, which then gets a title of its own. */
async function writeTexts(page: Page): Promise<void> {
  await page.getByRole("textbox", { name: "Title" }).first().fill("字".repeat(31));
  await card(page, "Douyin").getByText("31/30").waitFor();
  await card(page, "Bilibili").getByText("31/80").waitFor();
  await page.getByRole("textbox", { name: "Title" }).first().fill("标题");
  await page.getByRole("textbox", { name: "Tags" }).first().fill("#gRPC, 模型");
  await card(page, "Bilibili").getByText("2/10").waitFor();
  const youtube = card(page, "YouTube");
  await youtube.getByRole("switch", { name: "Other texts here" }).click();
  await youtube.getByRole("textbox", { name: "Title" }).fill("A <title>");
  await youtube.getByText("Leave out <>").waitFor();
  await youtube.getByRole("textbox", { name: "Title" }).fill("A title");
  await youtube.getByText("7/100").waitFor();
}

async function choosesCover(page: Page): Promise<void> {
  await page.getByRole("img", { name: "The cover that the film chose" }).waitFor();
  await page.getByRole("slider", { name: "Frame" }).press("End");
  await page.getByLabel("Frame of the cover").waitFor();
  const bilibili = card(page, "Bilibili");
  await bilibili.getByText("Look at its 2 covers").click();
  const cover = bilibili.getByRole("img", { name: "Cover, 1920×1200" });
  await cover.waitFor();
  await page.waitForFunction((image) => (image as HTMLImageElement).naturalWidth === 1920, await cover.elementHandle());
}

async function packs(page: Page): Promise<void> {
  const [pack] = await Promise.all([
    page.waitForEvent("download"),
    card(page, "YouTube").getByRole("button", { name: "Download pack" }).click(),
  ]);
  const bytes = readFileSync(await pack.path());
  assert.equal(bytes.subarray(0, 2).toString(), "PK");
  for (const part of ["film.mp4", "cover-1280x720.jpg", "captions.srt", "checklist.txt", "A title\n\ngRPC,模型\n"]) {
    assert.ok(bytes.includes(part), part);
  }
}

async function posts(page: Page): Promise<void> {
  const youtube = card(page, "YouTube");
  const address = youtube.getByRole("textbox", { name: "Posted on YouTube? Its address:" });
  await address.fill("https://example.org/1");
  await youtube.getByRole("button", { name: "Keep" }).click();
  await youtube.getByText("is no address of YouTube").waitFor();
  await address.fill("https://youtu.be/abc");
  await youtube.getByRole("button", { name: "Keep" }).click();
  await youtube.getByRole("link", { name: "youtu.be/abc" }).waitFor();
  await youtube.getByRole("button", { name: "Forget the post https://youtu.be/abc" }).click();
  await message(page, "The post is forgotten here").getByRole("button", { name: "Undo" }).click();
  await youtube.getByText("Posted", { exact: true }).waitFor();
}
