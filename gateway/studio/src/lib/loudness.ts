// How loud a sound is, so that voices are heard alike: ITU-R BS.1770, with its weighting drawn by two filters.
const WANTED_LUFS = -20;
const BLOCK_S = 0.4;
const STEP_S = 0.1;
const GATE_LUFS = -70;
const RELATIVE_GATE_LU = -10;
const OFFSET_LU = -0.691;

/** Decibels that bring a sound to the loudness of all auditions, no further than its peak allows. */
export async function levellingDb(url: string): Promise<number> {
  const bytes = await (await fetch(url)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(bytes);
  const loudness_lufs = loudnessOf(await weighted(sound));
  if (loudness_lufs === undefined) return 0;
  const peak_db = 20 * Math.log10(Math.max(1e-6, peakOf(sound.getChannelData(0))));
  return Math.min(WANTED_LUFS - loudness_lufs, -1 - peak_db);
}

/** As ears weigh it: a shelf for the head, and what is too low to be heard taken away. */
async function weighted(sound: AudioBuffer): Promise<AudioBuffer> {
  const context = new OfflineAudioContext(1, sound.length, sound.sampleRate);
  const shelf = new BiquadFilterNode(context, { type: "highshelf", frequency: 1500, gain: 4 });
  const low = new BiquadFilterNode(context, { type: "highpass", frequency: 38, Q: -6 });
  const source = new AudioBufferSourceNode(context, { buffer: sound });
  source.connect(shelf).connect(low).connect(context.destination);
  source.start();
  return context.startRendering();
}

function loudnessOf(sound: AudioBuffer): number | undefined {
  const powers = blockPowers(sound.getChannelData(0), sound.sampleRate);
  const heard = powers.filter((power) => lufs(power) > GATE_LUFS);
  const gate = lufs(mean(heard)) + RELATIVE_GATE_LU;
  const loud = heard.filter((power) => lufs(power) > gate);
  return loud.length > 0 ? lufs(mean(loud)) : undefined;
}

function blockPowers(samples: Float32Array, rate_hz: number): number[] {
  const block = Math.min(samples.length, Math.round(BLOCK_S * rate_hz));
  const powers: number[] = [];
  for (let start = 0; start + block <= samples.length; start += Math.round(STEP_S * rate_hz)) {
    let sum = 0;
    for (let place = start; place < start + block; place += 1) sum += (samples[place] as number) ** 2;
    powers.push(sum / block);
  }
  return powers;
}

function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak;
}

const lufs = (power: number) => OFFSET_LU + 10 * Math.log10(power);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
