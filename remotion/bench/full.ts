/**
 * The baseline of the bench: `node dist/bench/full.js PROPS.json OUT.mp4` renders a short wholly in Remotion.
 *
 * PROPS.json: {"footage": path, "audio": path, "request": base64 of the serialised RenderRequest, "preset" and "crf" of
 * x264}. Browser and bundle are warm when the clock starts. Prints one line of JSON: {"seconds": ..., "frames": ..., "open_seconds": ...}.
 */

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { renderMedia, type X264Preset } from "@remotion/renderer";
import { type Draft, drafts, placeBlock } from "../server/blocks.js";
import { ensureBundle } from "../server/bundle.js";
import { findChromium, startChromium } from "../server/chromium.js";
import { decoded } from "../server/protos.js";
import { overlaySpec, type RenderRequest } from "../server/request.js";
import { enterScratchFolder } from "../server/scratch.js";
import type { OverlaySpec } from "../server/spec.js";
import type { ShortProps } from "../src/Short.js";

interface Props {
  readonly footage: string;
  readonly audio: string;
  readonly request: string;
  readonly preset: X264Preset;
  readonly crf: number;
}

const CONCURRENCY = 2;

enterScratchFolder();
const [propsPath = "", output = ""] = process.argv.slice(2);
const props = JSON.parse(readFileSync(propsPath, "utf8")) as Props;
const request = decoded("vigent.overlay.v1.RenderRequest", Buffer.from(props.request, "base64"));
const spec = overlaySpec(request as RenderRequest);
const files = { "/footage": props.footage, "/audio": props.audio };
const server = createServer((asked, response) => {
  const path = files[asked.url as keyof typeof files];
  response.setHeader("Content-Length", statSync(path).size);
  response.setHeader("Access-Control-Allow-Origin", "*");
  createReadStream(path).pipe(response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const opening = performance.now();
const chromium = await startChromium(findChromium(process.env.VIGENT_OVERLAY_CHROMIUM ?? ""));
const serveUrl = await ensureBundle();
const started = performance.now();
await renderMedia({
  composition: {
    id: "Short",
    width: spec.width,
    height: spec.height,
    fps: spec.frameRateHz,
    durationInFrames: spec.frames,
    props: shortProps(spec, `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    defaultProps: {},
    defaultCodec: null,
    defaultOutName: null,
    defaultVideoImageFormat: null,
    defaultPixelFormat: null,
    defaultProResProfile: null,
    defaultSampleRate: null,
  },
  serveUrl,
  inputProps: {},
  codec: "h264",
  x264Preset: props.preset,
  crf: props.crf,
  outputLocation: output,
  concurrency: CONCURRENCY,
  puppeteerInstance: chromium,
  chromeMode: "chrome-for-testing",
  logLevel: "error",
});
const ended = performance.now();
await chromium.close({ silent: true });
server.close();
const result = { seconds: (ended - started) / 1000, frames: spec.frames, open_seconds: (started - opening) / 1000 };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);

function shortProps(of: OverlaySpec, origin: string): ShortProps {
  const all = drafts(of).map((draft) => ({ draft, block: placeBlock(draft, of.width, of.height).block }));
  const blocks = (field: string) =>
    all.filter(({ draft }: { draft: Draft }) => draft.field.startsWith(field)).map(({ block }) => block);
  return {
    width: of.width,
    height: of.height,
    fps: of.frameRateHz,
    frames: of.frames,
    footage: `${origin}/footage`,
    audio: `${origin}/audio`,
    labels: blocks("labels"),
    title: blocks("title")[0] ?? null,
    captions: blocks("cues"),
  };
}
