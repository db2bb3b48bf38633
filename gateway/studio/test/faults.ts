/** A gateway that dies and comes back, and a network that is away. */

import { test } from "node:test";
import { onPage } from "./browser.js";
import { fill } from "./films.js";
import type { Studio } from "./studio.test.js";

export function faultTests(studio: Studio): void {
  test("a film is followed on when the gateway dies and is started again", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await fill(page, "服务会中断。\n然后它会回来。\n片子照样做完。");
      await page.getByRole("button", { name: "Make the film" }).click();
      await page.getByText("Speak and film the sentences").waitFor();
      studio.mesh.killGateway();
      await page.getByText("The gateway does not answer.").first().waitFor();
      await page.getByText("Finished", { exact: true }).waitFor();
      await page.getByText("The gateway does not answer.").first().waitFor({ state: "detached" });
    });
  });

  test("without a network the text is kept, and the page goes on by itself", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await page.getByRole("button", { name: "Make the film" }).waitFor();
      await page.context().setOffline(true);
      await page.getByText("The gateway does not answer.").first().waitFor();
      await page.getByRole("textbox", { name: "What the presenter says" }).fill("One. Two.");
      await page.context().setOffline(false);
      await page.getByText("2 sentences, about").waitFor();
      await page.getByText("The gateway does not answer.").first().waitFor({ state: "detached" });
    });
  });
}
