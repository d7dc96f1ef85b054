// Speed and time left, smoothed: a number that jumps helps nobody.
const WEIGHT = 0.2;
const LEAST_MS = 400;

export class Meter {
  private at = performance.now();
  private done = 0;
  private speed: number | null = null;

  /** Bytes a second; null until something was measured. */
  measure(done: number): number | null {
    const now = performance.now();
    if (done < this.done) this.reset(done);
    const passed = now - this.at;
    if (passed >= LEAST_MS) {
      const fresh = ((done - this.done) / passed) * 1000;
      this.speed = this.speed === null ? fresh : this.speed + WEIGHT * (fresh - this.speed);
      this.at = now;
      this.done = done;
    }
    return this.speed;
  }

  reset(done: number): void {
    this.at = performance.now();
    this.done = done;
    this.speed = null;
  }
}
