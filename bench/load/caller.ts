import { randomBytes } from 'node:crypto';
import { pause } from '../../pkg/runtime/index.js';
import { percentile } from '../statistics.js';
import type { Connections } from './connections.js';
import { requestIdPlaceholder, type GroupResult, type LoadGroup, type PlacedOrder } from './load-run.js';
import { orderIn } from './order-answer.js';

const tickMs = 1;

/** Makes the calls of a group until the end of the window or the last frame, and measures them. */
export class Caller {
  readonly #frames: readonly { readonly bytes: Uint8Array; readonly idAt: number }[];
  readonly #idPrefix = newIdPrefix();
  readonly #latencies: number[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #orders: PlacedOrder[] = [];
  #sent = 0;

  constructor(
    private readonly group: LoadGroup,
    private readonly connections: Pick<Connections, 'call'>,
    private readonly window: { readonly start: number; readonly end: number },
  ) {
    this.#frames = group.frames.map((bytes) => ({
      bytes,
      idAt: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(requestIdPlaceholder),
    }));
  }

  /** Resolves when all calls have ended. */
  async run(): Promise<void> {
    const { arrival } = this.group;
    if ('perSecond' in arrival) await this.#openLoop(arrival.perSecond);
    else await Promise.all(Array.from({ length: arrival.inFlight }, () => this.#closedLoop()));
  }

  result(endedAt: number): GroupResult {
    const sorted = Float64Array.from(this.#latencies).toSorted();
    return {
      perSecond: (sorted.length * 1000) / (endedAt - this.window.start),
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      errors: this.#errors,
      orders: this.#orders,
    };
  }

  async #closedLoop(): Promise<void> {
    const hasFrames = (): boolean => this.group.once !== true || this.#sent < this.#frames.length;
    while (performance.now() < this.window.end && hasFrames()) {
      const startedAt = performance.now();
      await this.#call(startedAt, () => performance.now());
    }
  }

  async #openLoop(perSecond: number): Promise<void> {
    const startedAt = performance.now();
    const calls: Promise<void>[] = [];
    for (let dueAt = startedAt; dueAt < this.window.end;) {
      for (
        ;
        dueAt <= performance.now() && dueAt < this.window.end;
        dueAt = startedAt + (calls.length * 1000) / perSecond
      ) {
        const countsAt = dueAt;
        calls.push(this.#call(dueAt, () => countsAt));
      }
      await pause(tickMs);
    }
    await Promise.all(calls);
  }

  /** Makes a call. It is measured if the time that `countsAt` returns after the call is in the window. */
  async #call(startedAt: number, countsAt: () => number): Promise<void> {
    const answer = await this.connections.call(this.group.path, this.#nextFrame());
    const error = answer.error ?? this.#readOrder(answer.message);
    const at = countsAt();
    if (error !== undefined) {
      this.#errors[error] = (this.#errors[error] ?? 0) + 1;
      // A server that rejects at once must not be called in a tight loop.
      await pause(tickMs);
    } else if (at >= this.window.start && at < this.window.end)
      this.#latencies.push(performance.now() - startedAt);
  }

  /** Keeps the order of an answer, or returns an error if it is in another state than expected. */
  #readOrder(message: Buffer): string | undefined {
    const { expects } = this.group;
    if (expects === undefined) return undefined;
    const { state, ...order } = orderIn(message);
    if (state !== expects) return `order in state ${state} instead of ${expects}`;
    this.#orders.push(order);
    return undefined;
  }

  #nextFrame(): Uint8Array {
    const frame = this.#frames[this.#sent % this.#frames.length];
    if (!frame) throw new Error(`group ${this.group.name} has no frames`);
    const number = this.#sent++;
    if (frame.idAt < 0) return frame.bytes;
    const copy = Buffer.from(frame.bytes);
    copy.write(`${this.#idPrefix}-${number.toString(16).padStart(12, '0')}`, frame.idAt, 'latin1');
    return copy;
  }
}

/** The first groups of a UUIDv7; the last group is the number of the call. */
function newIdPrefix(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  const random = randomBytes(3).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3)}`;
}
