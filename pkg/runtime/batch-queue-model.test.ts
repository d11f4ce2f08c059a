import { expect } from 'chai';
import fc from 'fast-check';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { BatchQueue, type Batch } from './batch-queue.js';
import { holdBatch, type HeldBatch } from './testing/held-batch.js';

const result = (id: number): string => `result ${id}`;

type Ending = 'RESOLVE' | 'REJECT' | 'DEFER' | 'OPEN';

type Step =
  | { readonly kind: 'RUN'; readonly bytes: number; readonly expired: boolean }
  | { readonly kind: 'ABORT'; readonly call: number }
  | {
      readonly kind: 'END';
      readonly batch: number;
      readonly endings: readonly Ending[];
      readonly throws: boolean;
    }
  | { readonly kind: 'TURN' }
  | { readonly kind: 'CLOSE' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('RUN'),
      bytes: fc.constantFrom(0, 1, 100_000, 256 * 1024, Infinity),
      expired: fc.nat(9).map((n) => n === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ABORT'), call: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('END'),
      batch: fc.nat(),
      endings: fc.array(fc.constantFrom<Ending>('RESOLVE', 'RESOLVE', 'REJECT', 'DEFER', 'OPEN'), {
        minLength: 1,
        maxLength: 4,
      }),
      throws: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('TURN') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('CLOSE') }) },
);

interface Call {
  readonly id: number;
  readonly bytes: number;
  readonly controller: AbortController;
  settled: number;
}

/** Runs steps against a queue and checks each batch against the calls that wait. */
class Model {
  readonly #limits: { readonly maxItems: number; readonly concurrency: number; readonly maxQueued: number };
  readonly #calls: Call[] = [];
  /** Ids of the calls that must be taken next, in order. */
  #waiting: number[] = [];
  readonly #open: HeldBatch[] = [];
  readonly #queue: BatchQueue<Call, string>;
  /** Failed expectations about batches, whose errors the queue would pass to the calls. */
  readonly #violations: unknown[] = [];
  #isClosed = false;

  constructor(limits: { maxItems: number; concurrency: number; maxQueued: number }) {
    this.#limits = limits;
    this.#queue = new BatchQueue({
      ...limits,
      operation: 'test',
      batching: limits,
      sizeOf: ({ bytes }) => bytes,
      process: (batch) => this.#start(batch),
    });
  }

  async step(step: Step): Promise<void> {
    if (step.kind === 'RUN') this.#run(step);
    else if (step.kind === 'ABORT') this.#abort(step.call);
    else if (step.kind === 'END') await this.#end(step);
    else if (step.kind === 'TURN') await endOfTurn();
    else {
      this.#isClosed = true;
      void this.#queue.close();
    }
  }

  /** Ends all batches and expects every call to be settled once. */
  async finish(): Promise<void> {
    const closed = this.#queue.close();
    for (let turn = 0; turn <= 2 * this.#calls.length + 2; turn += 1) {
      for (const batch of this.#open.splice(0)) {
        for (const [index, id] of batch.items.entries()) batch.resolve(index, result(id));
        batch.end();
      }
      await endOfTurn();
    }
    await closed;
    expect(this.#violations).to.deep.equal([]);
    expect(this.#calls.map(({ settled }) => settled)).to.deep.equal(this.#calls.map(() => 1));
    expect(this.#queue.waiting).to.equal(0);
  }

  #run({ bytes, expired }: { readonly bytes: number; readonly expired: boolean }): void {
    const call = { id: this.#calls.length, bytes, controller: new AbortController(), settled: 0 };
    this.#calls.push(call);
    const { maxItems, concurrency, maxQueued } = this.#limits;
    const room = maxQueued + (concurrency - this.#open.length) * maxItems;
    const isAccepted = !expired && !this.#isClosed && this.#waiting.length < room;
    if (isAccepted) this.#waiting.push(call.id);
    const limits = { signal: call.controller.signal, ...(expired && { deadline: 0 }) };
    const settle = (): void => {
      call.settled += 1;
    };
    this.#queue.run(call, limits).then((value) => {
      expect(value).to.equal(result(call.id));
      settle();
    }, settle);
    expect(this.#queue.waiting).to.equal(this.#waiting.length);
  }

  #abort(position: number): void {
    const call = this.#calls[position % Math.max(1, this.#calls.length)];
    call?.controller.abort();
    this.#waiting = this.#waiting.filter((id) => id !== call?.id);
    expect(this.#queue.waiting).to.equal(this.#waiting.length);
  }

  #start(batch: Batch<Call, string>): Promise<void> {
    const ids = batch.items.map(({ id }) => id);
    const held = holdBatch(batch, ids);
    this.#open.push(held.batch);
    try {
      this.#checkBatch(batch.items, this.#waiting.splice(0, ids.length));
    } catch (error) {
      this.#violations.push(error);
    }
    return held.ended;
  }

  #checkBatch(calls: readonly Call[], expected: readonly number[]): void {
    expect(calls.map(({ id }) => id)).to.deep.equal(expected);
    expect(calls.length).to.be.within(1, this.#limits.maxItems);
    const bytes = calls.reduce((sum, call) => sum + call.bytes, 0);
    expect(calls.length === 1 || bytes <= 256 * 1024).to.equal(true);
    expect(this.#open.length).to.be.at.most(this.#limits.concurrency);
  }

  async #end({ batch: position, endings, throws }: Extract<Step, { kind: 'END' }>): Promise<void> {
    const [batch] = this.#open.splice(position % Math.max(1, this.#open.length), 1);
    if (!batch) return;
    const deferred: number[] = [];
    for (const [index, id] of batch.items.entries()) {
      const ending = endings[index % endings.length];
      if (ending === 'RESOLVE') batch.resolve(index, result(id));
      if (ending === 'REJECT') batch.reject(index, new Error('rejected'));
      if (ending !== 'DEFER') continue;
      batch.defer(index);
      if (this.#calls[id]?.controller.signal.aborted === false) deferred.push(id);
    }
    batch.end(throws ? new Error('failed') : undefined);
    this.#waiting.unshift(...deferred);
    // The queue takes the deferred items back in microtasks.
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
    expect(this.#queue.waiting).to.equal(this.#waiting.length);
  }
}

describe('BatchQueue, with any sequence of calls', () => {
  it('settles every item once, in order, within its limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxItems: fc.integer({ min: 1, max: 5 }),
          concurrency: fc.integer({ min: 1, max: 3 }),
          maxQueued: fc.integer({ min: 0, max: 10 }),
        }),
        fc.array(anyStep, { maxLength: 60 }),
        async (limits, steps) => {
          const model = new Model(limits);
          for (const step of steps) await model.step(step);
          await model.finish();
        },
      ),
      { numRuns: 300 },
    );
  });
});
