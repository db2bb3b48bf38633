/** The progress record of a call: written by the rendering, read by health, metrics and progress messages. */

export class Progress {
  phase = "";
  unitsDone = 0;
  unitsTotal = 0;
  /** While the call waits for its caller, which is no hang. */
  waiting = false;
  #updatedMs = performance.now();

  constructor(readonly stallBudgetS: number) {}

  start(phase: string, unitsTotal: number): void {
    this.phase = phase;
    this.unitsDone = 0;
    this.unitsTotal = unitsTotal;
    this.touch();
  }

  advance(): void {
    this.unitsDone += 1;
    this.touch();
  }

  /** Begins the budget of the present unit anew. */
  touch(): void {
    this.#updatedMs = performance.now();
  }

  get ageS(): number {
    return (performance.now() - this.#updatedMs) / 1000;
  }

  get stalled(): boolean {
    return !this.waiting && this.ageS > this.stallBudgetS;
  }

  /** As vigent.media.v1.Progress. */
  message(): object {
    return {
      phase: this.phase,
      unitsDone: this.unitsDone,
      unitsTotal: this.unitsTotal,
      ageMs: Math.floor(this.ageS * 1000),
      stallBudgetMs: Math.floor(this.stallBudgetS * 1000),
    };
  }
}
