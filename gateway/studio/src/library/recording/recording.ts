// What can be told of a recording by its samples alone, and the file that it becomes.

export type Recording = { samples: Float32Array; rate_hz: number };
export type Fault = "short" | "clipped" | "quiet" | "noisy";

export const LONGEST_S = 59; // the library takes a minute
const SHORTEST_S = 5;
const BLOCK_S = 0.05;
const CLIPPED = 0.99;
const MOST_CLIPPED = 3;
const QUIETEST_VOICE_DB = -35;
const LEAST_OVER_NOISE_DB = 20;
const SILENCE_DB = -90;
const WAV_HEADER_BYTES = 44;

/** Root mean square in decibels of full scale. */
export function levelDb(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum > 0 ? Math.max(SILENCE_DB, 10 * Math.log10(sum / samples.length)) : SILENCE_DB;
}

export function isClipped(samples: Float32Array): boolean {
  let clipped = 0;
  for (const sample of samples) if (Math.abs(sample) >= CLIPPED) clipped += 1;
  return clipped >= MOST_CLIPPED;
}

export const seconds = ({ samples, rate_hz }: Recording) => samples.length / rate_hz;

/** What speaks against cloning a voice from it. The loudest tenth of it is taken for voice, the quietest for noise. */
export function faultsOf(recording: Recording): Fault[] {
  const levels = levelsOf(recording);
  const noise_db = levels[Math.floor(levels.length * 0.1)] ?? SILENCE_DB;
  const voice_db = levels[Math.floor(levels.length * 0.9)] ?? SILENCE_DB;
  const clipped = isClipped(recording.samples);
  const found: [Fault, boolean][] = [
    ["short", seconds(recording) < SHORTEST_S],
    ["clipped", clipped],
    ["quiet", !clipped && voice_db < QUIETEST_VOICE_DB], // nobody can mend both
    ["noisy", voice_db >= QUIETEST_VOICE_DB && voice_db - noise_db < LEAST_OVER_NOISE_DB],
  ];
  return found.filter(([, is]) => is).map(([fault]) => fault);
}

function levelsOf({ samples, rate_hz }: Recording): number[] {
  const block = Math.round(rate_hz * BLOCK_S);
  const count = Math.floor(samples.length / block);
  const levels = Array.from({ length: count }, (_, place) =>
    levelDb(samples.subarray(place * block, (place + 1) * block)),
  );
  return levels.sort((one, other) => one - other);
}

export function joined(chunks: Float32Array[]): Float32Array {
  const whole = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let place = 0;
  for (const chunk of chunks) {
    whole.set(chunk, place);
    place += chunk.length;
  }
  return whole;
}

/** A WAV file: mono, 16 bits. */
export function wavOf({ samples, rate_hz }: Recording): Blob {
  const bytes = new DataView(new ArrayBuffer(WAV_HEADER_BYTES + 2 * samples.length));
  const word = (place: number, text: string) => {
    for (let n = 0; n < text.length; n += 1) bytes.setUint8(place + n, text.charCodeAt(n));
  };
  word(0, "RIFF");
  bytes.setUint32(4, WAV_HEADER_BYTES - 8 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true); // bytes of the format
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // channels
  bytes.setUint32(24, rate_hz, true);
  bytes.setUint32(28, 2 * rate_hz, true); // bytes a second
  bytes.setUint16(32, 2, true); // bytes a sample
  bytes.setUint16(34, 16, true); // bits a sample
  word(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, n) => {
    bytes.setInt16(WAV_HEADER_BYTES + 2 * n, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
  });
  return new Blob([bytes], { type: "audio/wav" });
}
