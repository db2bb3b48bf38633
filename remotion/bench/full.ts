/**
 * The baseline of the bench: `node dist/bench/full.js CHROMIUM PROPS.json OUT.mp4` renders a short wholly in Remotion.
 *
 * PROPS.json: {"footage": path, "audio": path, "spec": as of the child, "preset" and "crf" of x264}. Browser and bundle are warm when the clock starts. Prints one line of JSON: {"seconds": ..., "frames": ..., "open_seconds": ...}.
 */

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { renderMedia, type X264Preset } from "@remotion/renderer";
import { drafts, placeBlock } from "../child/blocks.js";
import { ensureBundle } from "../child/bundle.js";
import { startChromium } from "../child/chromium.js";
import type { OverlaySpec } from "../child/spec.js";
import type { ShortProps } from "../src/Short.js";

interface Props {
  readonly footage: string;
  readonly audio: string;
  readonly spec: OverlaySpec;
  readonly preset: X264Preset;
  readonly crf: number;
}

const CONCURRENCY = 2;

const [executable = "", propsPath = "", output = ""] = process.argv.slice(2);
const props = JSON.parse(readFileSync(propsPath, "utf8")) as Props;
const { spec } = props;
const files = { "/footage": props.footage, "/audio": props.audio };
const server = createServer((asked, response) => {
  const path = files[asked.url as keyof typeof files];
  response.setHeader("Content-Length", statSync(path).size);
  response.setHeader("Access-Control-Allow-Origin", "*");
  createReadStream(path).pipe(response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const opening = performance.now();
const chromium = await startChromium(executable);
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
  return {
    width: of.width,
    height: of.height,
    fps: of.frameRateHz,
    frames: of.frames,
    footage: `${origin}/footage`,
    audio: `${origin}/audio`,
    blocks: drafts(of).map((draft) => placeBlock(draft, of).block),
  };
}
