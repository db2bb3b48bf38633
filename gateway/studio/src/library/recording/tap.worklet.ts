// Runs beside the sound itself: hands the samples of the microphone to the page, a few thousand at a time.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const SAMPLES_A_MESSAGE = 2048;

class Tap extends AudioWorkletProcessor {
  private gathered = new Float32Array(SAMPLES_A_MESSAGE);
  private count = 0;

  process([input]: Float32Array[][]): boolean {
    const samples = input?.[0];
    if (!samples) return true;
    this.gathered.set(samples, this.count);
    this.count += samples.length;
    if (this.count === SAMPLES_A_MESSAGE) {
      this.port.postMessage(this.gathered, [this.gathered.buffer]);
      this.gathered = new Float32Array(SAMPLES_A_MESSAGE);
      this.count = 0;
    }
    return true;
  }
}

registerProcessor("tap", Tap);
