import { useCallback, useEffect, useRef, useState } from "react";
import { isClipped, joined, LONGEST_S, levelDb, type Recording } from "./recording.ts";
import tap from "./tap.worklet.ts?worker&url";

export type Refused = "insecure" | "denied" | "none";
export type Microphone = {
  state: "idle" | "asking" | "recording";
  level_db: number;
  clipped: boolean;
  seconds: number;
  refused: Refused | undefined;
};

const IDLE: Microphone = { state: "idle", level_db: -90, clipped: false, seconds: 0, refused: undefined };
/** How far the level falls between two messages: slower than voices do, so that it can be read. */
const FALL_DB = 1.5;
/** A clone is made of what the microphone hears; what calls are cleaned with changes the voice. */
const AS_IT_IS = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

type Running = { context: AudioContext; stream: MediaStream; chunks: Float32Array[] };

/** Records the microphone until `stop` is called or a minute is over; then `done` gets all of it. */
export function useMicrophone(done: (recording: Recording) => void) {
  const [microphone, setMicrophone] = useState(IDLE);
  const running = useRef<Running>(undefined);
  const finished = useRef(done);
  finished.current = done;

  const end = useCallback((): Running | undefined => {
    const ended = running.current;
    running.current = undefined;
    for (const track of ended?.stream.getTracks() ?? []) track.stop();
    void ended?.context.close();
    return ended;
  }, []);
  useEffect(() => () => void end(), [end]);

  const stop = useCallback(() => {
    const ended = end();
    setMicrophone(IDLE);
    if (ended) finished.current({ samples: joined(ended.chunks), rate_hz: ended.context.sampleRate });
  }, [end]);

  const start = useCallback(async () => {
    setMicrophone({ ...IDLE, state: "asking" });
    try {
      const begun = await opened((samples, rate_hz) => {
        if (running.current !== begun) return;
        begun.chunks.push(samples);
        const seconds = (begun.chunks.length * samples.length) / rate_hz;
        setMicrophone((before) => ({
          ...before,
          state: "recording",
          level_db: Math.max(levelDb(samples), before.level_db - FALL_DB),
          clipped: before.clipped || isClipped(samples),
          seconds,
        }));
        if (seconds >= LONGEST_S) stop();
      });
      running.current = begun;
    } catch (error) {
      setMicrophone({ ...IDLE, refused: refusal(error) });
    }
  }, [stop]);

  return { microphone, start, stop };
}

async function opened(heard: (samples: Float32Array, rate_hz: number) => void): Promise<Running> {
  if (!navigator.mediaDevices) throw new DOMException("no secure page", "SecurityError");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  const context = new AudioContext();
  await context.audioWorklet.addModule(tap);
  const node = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => heard(data, context.sampleRate);
  context.createMediaStreamSource(stream).connect(node);
  return { context, stream, chunks: [] };
}

function refusal(error: unknown): Refused {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "SecurityError") return "insecure";
  return name === "NotAllowedError" ? "denied" : "none";
}
