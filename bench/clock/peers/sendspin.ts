// Owns Sendspin's clock, written anew from its published constants: bursts into a Kalman filter of offset and drift.

import type { SimReply } from '../../../test/clock/support/sim-scenario.ts';
import type { MakePeer } from './peer-clock.ts';

/** github.com/Sendspin/sendspin-js, `src/core/time-sync-manager.ts`. */
const burstProbes = 8;
const burstEveryMs = 10_000;
const timeoutMs = 2_000;
const fastestTaken = 3;
const leastErrorUs = 1_000;

/** The same, `src/core/time-filter.ts`, as `src/core/core.ts` makes it: `new SendspinTimeFilter(0, 1.1, 2.0, 1e-12)`. */
const offsetProcessVariance = 0;
const driftProcessVariance = 1e-12 ** 2;
const forgetting = 1.1 ** 2;
const forgetsBeyond = 2;
const driftCountsBeyond = 2 ** 2;
const ripeCount = 100;

class OffsetDriftFilter {
  #count = 0;
  #atUs = 0;
  #offset = 0;
  #drift = 0;
  #varOffset = Infinity;
  #cov = 0;
  #varDrift = 0;

  /** All in µs, as its units set what the process noise means. */
  update(measuredUs: number, errorUs: number, atUs: number): void {
    if (atUs <= this.#atUs) return;
    const dt = atUs - this.#atUs;
    this.#atUs = atUs;
    const noise = errorUs * errorUs;
    if (this.#count === 0) {
      this.#offset = measuredUs;
      this.#varOffset = noise;
      this.#count = 1;
      return;
    }
    if (this.#count === 1) {
      this.#drift = (measuredUs - this.#offset) / dt;
      this.#offset = measuredUs;
      this.#varDrift = (this.#varOffset + noise) / (dt * dt);
      this.#varOffset = noise;
      this.#count = 2;
      return;
    }
    let varDrift = this.#varDrift + dt * driftProcessVariance;
    let cov = this.#cov + this.#varDrift * dt;
    let varOffset =
      this.#varOffset + 2 * this.#cov * dt + this.#varDrift * dt * dt + dt * offsetProcessVariance;
    const predicted = this.#offset + this.#drift * dt;
    const residual = measuredUs - predicted;
    if (this.#count < ripeCount) {
      this.#count += 1;
    } else if (Math.abs(residual) > errorUs * forgetsBeyond) {
      varDrift *= forgetting;
      cov *= forgetting;
      varOffset *= forgetting;
    }
    const offsetGain = varOffset / (varOffset + noise);
    const driftGain = cov / (varOffset + noise);
    this.#offset = predicted + offsetGain * residual;
    this.#drift += driftGain * residual;
    this.#varDrift = varDrift - driftGain * cov;
    this.#cov = cov - driftGain * varOffset;
    this.#varOffset = varOffset - offsetGain * varOffset;
  }

  hubTimeAt(localUs: number): number | null {
    if (this.#count === 0) return null;
    const counts =
      this.#count > 2 && this.#drift * this.#drift > driftCountsBeyond * this.#varDrift;
    return localUs + this.#offset + (counts ? this.#drift * (localUs - this.#atUs) : 0);
  }
}

interface Sample {
  readonly offsetUs: number;
  readonly rttUs: number;
  readonly atUs: number;
}

export const sendspin: MakePeer = (host) => {
  const filter = new OffsetDriftFilter();
  let burst: Sample[] | undefined;
  let sent = 0;
  let awaited: number | undefined;
  let timer = 0;

  const abort = (): void => {
    burst = undefined;
    awaited = undefined;
  };
  const probe = (): void => {
    sent += 1;
    awaited = host.send(host.now());
    timer = host.setTimeout(abort, timeoutMs);
  };
  const begin = (): void => {
    host.setTimeout(begin, burstEveryMs);
    if (burst !== undefined) return;
    burst = [];
    sent = 0;
    probe();
  };
  const finish = (samples: readonly Sample[]): void => {
    const fastest = [...samples].sort((a, b) => a.rttUs - b.rttUs).slice(0, fastestTaken);
    const middle = fastest.sort((a, b) => a.offsetUs - b.offsetUs)[Math.floor(fastest.length / 2)];
    if (middle === undefined) return;
    filter.update(middle.offsetUs, Math.max(leastErrorUs, middle.rttUs / 2), middle.atUs);
  };
  begin();
  return {
    onReply({ seq, t0, t1, t2 }: SimReply, t3) {
      if (burst === undefined || seq !== awaited) return;
      host.clearTimeout(timer);
      burst.push({
        offsetUs: ((t1 - t0 + t2 - t3) / 2) * 1_000,
        rttUs: Math.max(0, t3 - t0 - (t2 - t1)) * 1_000,
        atUs: t3 * 1_000,
      });
      if (sent < burstProbes) {
        probe();
        return;
      }
      finish(burst);
      abort();
    },
    hubTimeAt(localMs) {
      const hubUs = filter.hubTimeAt(localMs * 1_000);
      return hubUs === null ? null : hubUs / 1_000;
    },
  };
};
