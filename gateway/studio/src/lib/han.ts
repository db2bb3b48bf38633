// Chinese on machines without Chinese fonts. A letter that was drawn as an empty box stays one in Chromium even after a
// font that has it has come, so fonts are fetched before anything is drawn.

const SIDE = 32;

/** Fetches a Chinese font from the gateway if this machine has none. */
export async function ensureHan(): Promise<void> {
  if (picture("国") !== picture("龙")) return;
  const weights = ["500", "700"].map((weight) => document.fonts.load(`${weight} 16px "Vigent Han"`, "国"));
  await Promise.all(weights).catch(() => undefined);
}

/** How a letter looks in the fonts of this machine; all letters that they lack look the same. */
function picture(letter: string): string {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  if (!context) return letter;
  context.font = `${SIDE - 8}px system-ui, sans-serif`;
  context.fillText(letter, 2, SIDE - 8);
  return context.getImageData(0, 0, SIDE, SIDE).data.join();
}
