/** Limits of the outlier detection of a channel. */
export interface OutlierLimits {
  /** An address that has answered no call for this time, while calls wait for it, receives no new calls. */
  readonly silenceMs: number;
  /** Number of consecutive calls without an answer after which an address is ejected, however short their deadlines. */
  readonly maxUnanswered: number;
  /** First ejection time; it doubles with each ejection that follows within `maxEjectionMs`. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
}

/**
 * grpc-js closes the unused connection of an ejected address within 10 seconds. `baseEjectionMs` is longer, so that the
 * address returns with a new connection: a frozen process accepts the connection but sends no HTTP/2 settings, and the
 * address receives no calls until the process continues.
 */
export const defaultOutlierLimits: OutlierLimits = {
  silenceMs: 1000,
  maxUnanswered: 3,
  baseEjectionMs: 15_000,
  maxEjectionMs: 120_000,
};

/** `none` is the end of a call that shows nothing about the address, such as a cancellation by the caller. */
export type Evidence = 'answered' | 'unanswered' | 'none';

interface AddressRecord {
  outstanding: number;
  /** Start of the time without an answer; undefined while no call waits. */
  waitingSince: number | undefined;
  unanswered: number;
  ejections: number;
  /** End of the current or the last ejection. */
  ejectedUntil: number;
}

/**
 * Decides which addresses of a channel receive calls. An address that does not answer is an outlier: its process is
 * frozen, or the network drops packets without closing connections. An answer with any status code shows that the
 * address works, so rejections by the called service never eject an address.
 */
export class OutlierDetection {
  readonly #limits: OutlierLimits;
  readonly #now: () => number;
  #records = new Map<string, AddressRecord>();

  constructor(limits: OutlierLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Replaces the known addresses. Addresses that remain keep their history. */
  setAddresses(addresses: readonly string[]): void {
    this.#records = new Map(addresses.map((address) => [address, this.#records.get(address) ?? newRecord()]));
  }

  callStarted(address: string): void {
    const record = this.#records.get(address);
    if (!record) return;
    record.outstanding += 1;
    record.waitingSince ??= this.#now();
  }

  /** Returns true when the end of the call ejects the address. */
  callEnded(address: string, evidence: Evidence): boolean {
    const record = this.#records.get(address);
    if (!record) return false;
    const wasSilent = this.isSilent(address);
    record.outstanding = Math.max(0, record.outstanding - 1);
    if (evidence === 'answered') {
      record.unanswered = 0;
      record.waitingSince = this.#now();
    }
    if (record.outstanding === 0) record.waitingSince = undefined;
    if (evidence !== 'unanswered') return false;
    record.unanswered += 1;
    return (wasSilent || record.unanswered >= this.#limits.maxUnanswered) && this.#eject(record);
  }

  isSilent(address: string): boolean {
    const since = this.#records.get(address)?.waitingSince;
    return since !== undefined && this.#now() - since >= this.#limits.silenceMs;
  }

  isEjected(address: string): boolean {
    return (this.#records.get(address)?.ejectedUntil ?? 0) > this.#now();
  }

  /** Time until the next ejected address returns; undefined when no address is ejected. */
  nextReturnMs(): number | undefined {
    const ends = [...this.#records.values()].map(({ ejectedUntil }) => ejectedUntil - this.#now());
    const pending = ends.filter((ms) => ms > 0);
    return pending.length > 0 ? Math.min(...pending) : undefined;
  }

  /** Ends all ejections. Returns false when no address was ejected. */
  readmitAll(): boolean {
    const ejected = [...this.#records.values()].filter(({ ejectedUntil }) => ejectedUntil > this.#now());
    for (const record of ejected) record.ejectedUntil = this.#now();
    return ejected.length > 0;
  }

  /** At most half of the addresses are ejected at the same time, and never the only address. */
  #eject(record: AddressRecord): boolean {
    const { baseEjectionMs, maxEjectionMs } = this.#limits;
    const now = this.#now();
    const ejected = [...this.#records.values()].filter(({ ejectedUntil }) => ejectedUntil > now).length;
    if (record.ejectedUntil > now || ejected + 1 > Math.floor(this.#records.size / 2)) return false;
    record.ejections = now - record.ejectedUntil < maxEjectionMs ? record.ejections + 1 : 1;
    record.ejectedUntil = now + Math.min(baseEjectionMs * 2 ** (record.ejections - 1), maxEjectionMs);
    record.unanswered = 0;
    return true;
  }
}

function newRecord(): AddressRecord {
  return {
    outstanding: 0,
    waitingSince: undefined,
    unanswered: 0,
    ejections: 0,
    ejectedUntil: Number.NEGATIVE_INFINITY,
  };
}
