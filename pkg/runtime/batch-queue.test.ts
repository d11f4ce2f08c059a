import { expect } from 'chai';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { AppError } from '../errors/index.js';
import { expectReason, failureOf } from '../../test/support/expect-reason.js';
import { BatchQueue, type Batching, type BatchQueueOptions } from './batch-queue.js';
import { holdBatch, type HeldBatch } from './testing/held-batch.js';
import type { WaitLimits } from './wait-limits.js';

/** A queue of numbers whose batches are held until the test ends them. */
function holdingQueue({
  maxItems = 64,
  onBatch,
  ...options
}: Partial<BatchQueueOptions<number, string> & Batching> = {}) {
  const batches: HeldBatch[] = [];
  const queue = new BatchQueue<number, string>({
    operation: 'test',
    batching: { maxItems, ...(onBatch && { onBatch }) },
    concurrency: 1,
    maxQueued: 1000,
    ...options,
    process: (batch) => {
      const held = holdBatch(batch);
      batches.push(held.batch);
      return held.ended;
    },
  });
  const run = (item: number, limits?: WaitLimits): Promise<string> => {
    const call = queue.run(item, limits);
    // The test may expect the failure later.
    call.catch(() => undefined);
    return call;
  };
  const runAll = (...items: number[]): Promise<string>[] => items.map((item) => run(item));
  const send = (...items: number[]): void => void runAll(...items);
  const sent = (): (readonly number[])[] => batches.map(({ items }) => items);
  const batchAt = (index: number): HeldBatch => {
    const batch = batches[index];
    if (!batch) throw new Error(`batch ${index} has not started`);
    return batch;
  };
  const finish = async (index: number): Promise<void> => {
    const batch = batchAt(index);
    for (const [position, item] of batch.items.entries()) batch.resolve(position, `result ${item}`);
    batch.end();
    await nextBatches();
  };
  return { queue, run, runAll, send, sent, batchAt, finish };
}

/** Waits until the batches that a finished batch has made possible have started. */
async function nextBatches(): Promise<void> {
  await endOfTurn();
  await endOfTurn();
}

const result = (item: number): string => `result ${item}`;

describe('BatchQueue', () => {
  describe('forming batches', () => {
    it('starts one batch at the end of the turn with the calls of the turn, also of its microtasks', async () => {
      const { run, sent, send } = holdingQueue({ concurrency: 4 });
      send(1, 2);
      void Promise.resolve().then(() => run(3));
      expect(sent()).to.deep.equal([]);
      await endOfTurn();
      expect(sent()).to.deep.equal([[1, 2, 3]]);
    });

    it('starts a batch of one for a single caller, without waiting for others', async () => {
      const { run, sent, finish } = holdingQueue();
      const call = run(1);
      await endOfTurn();
      expect(sent()).to.deep.equal([[1]]);
      await finish(0);
      expect(await call).to.equal(result(1));
    });

    it('takes all waiting items when the batch in flight ends', async () => {
      const { sent, finish, send } = holdingQueue();
      send(1);
      await endOfTurn();
      send(2, 3);
      await endOfTurn();
      send(4);
      await endOfTurn();
      expect(sent()).to.deep.equal([[1]]);
      await finish(0);
      expect(sent()).to.deep.equal([[1], [2, 3, 4]]);
    });

    it('processes every item alone, in order, when the maximum is one item', async () => {
      const { runAll, sent, finish } = holdingQueue({ maxItems: 1 });
      const calls = runAll(1, 2, 3);
      await endOfTurn();
      for (const index of [0, 1, 2]) await finish(index);
      expect(sent()).to.deep.equal([[1], [2], [3]]);
      expect(await Promise.all(calls)).to.deep.equal([1, 2, 3].map(result));
    });

    it('closes a batch at the maximum number of items and at 256 KiB', async () => {
      const { sent, send } = holdingQueue({
        maxItems: 3,
        concurrency: 10,
        sizeOf: (size) => size * 1024,
      });
      send(1, 2, 3, 200, 56, 100, 157, 300, 4, Infinity, 5);
      await endOfTurn();
      expect(sent()).to.deep.equal([[1, 2, 3], [200, 56], [100], [157], [300], [4], [Infinity], [5]]);
    });

    it('has the latest deadline of its items', async () => {
      const { run, batchAt } = holdingQueue({ maxItems: 2, concurrency: 2 });
      const soon = Date.now() + 60_000;
      void run(1, { deadline: soon + 1 });
      void run(2, { deadline: soon });
      void run(3, { deadline: soon });
      void run(4);
      await endOfTurn();
      expect([batchAt(0).deadline, batchAt(1).deadline]).to.deep.equal([soon + 1, Infinity]);
    });

    it('reports how long each item of a batch has waited', async () => {
      const reports: { operation: string; waitMs: readonly number[] }[] = [];
      const { send } = holdingQueue({ onBatch: (operation, waitMs) => reports.push({ operation, waitMs }) });
      send(1, 2);
      await endOfTurn();
      expect(reports.map(({ operation }) => operation)).to.deep.equal(['test']);
      expect(reports[0]?.waitMs).to.have.length(2);
      for (const wait of reports[0]?.waitMs ?? []) expect(wait).to.be.within(0, 5000);
    });
  });

  describe('settling items', () => {
    it('settles items one by one, before the batch ends', async () => {
      const { runAll, batchAt } = holdingQueue();
      const [first, second, third] = runAll(1, 2, 3);
      await endOfTurn();
      batchAt(0).resolve(1, 'second');
      expect(await second).to.equal('second');
      batchAt(0).reject(0, new Error('first'));
      expect((await failureOf(first!)).message).to.equal('first');
      batchAt(0).end(new Error('lost'));
      expect((await failureOf(third!)).message).to.equal('lost');
    });

    it('rejects items that the processor has not settled', async () => {
      const { runAll, batchAt } = holdingQueue();
      const calls = runAll(1, 2);
      await endOfTurn();
      batchAt(0).resolve(0, 'first');
      batchAt(0).end();
      expect((await failureOf(calls[1]!)).message).to.contain('settled only a part');
    });

    it('rejects the items and starts the next batch when the processor throws synchronously', async () => {
      const queue = new BatchQueue<number, string>({
        operation: 'test',
        batching: { maxItems: 1 },
        concurrency: 1,
        maxQueued: 10,
        process: ({ items: [item] }) => {
          throw new Error(`failed ${item}`);
        },
      });
      const failures = await Promise.all([1, 2].map((item) => failureOf(queue.run(item))));
      expect(failures.map(({ message }) => message)).to.deep.equal(['failed 1', 'failed 2']);
    });

    it('does not settle an item twice', async () => {
      const { runAll, batchAt } = holdingQueue();
      const [call] = runAll(1);
      await endOfTurn();
      batchAt(0).resolve(0, 'once');
      expect(() => batchAt(0).resolve(0, 'twice')).to.throw('already settled');
      expect(() => batchAt(0).defer(0)).to.throw('already settled');
      expect(await call).to.equal('once');
    });

    it('returns deferred items to the head of the queue, in order, when the batch ends', async () => {
      const { runAll, sent, batchAt, finish, send } = holdingQueue({ maxItems: 3, concurrency: 2 });
      const calls = runAll(1, 2, 3);
      await endOfTurn();
      send(4, 5, 6);
      await endOfTurn();
      const waiting = runAll(7);
      batchAt(0).defer(2);
      batchAt(0).defer(0);
      batchAt(0).resolve(1, 'second');
      await endOfTurn();
      expect(sent()).to.have.length(2);
      batchAt(0).end();
      await nextBatches();
      expect(sent()[2]).to.deep.equal([1, 3, 7]);
      await finish(2);
      expect(await Promise.all([calls[0], calls[2], ...waiting])).to.deep.equal([1, 3, 7].map(result));
    });
  });

  describe('leaving the queue', () => {
    it('rejects a waiting item with DEADLINE_EXCEEDED at its deadline', async () => {
      const { queue, run, sent, finish, send } = holdingQueue();
      send(1);
      await endOfTurn();
      const late = run(2, { deadline: Date.now() + 10 });
      const patient = run(3, { deadline: Date.now() + 60_000 });
      await expectReason(late, 'DEADLINE_EXCEEDED');
      expect(queue.waiting).to.equal(1);
      await finish(0);
      await finish(1);
      expect(await patient).to.equal(result(3));
      expect(sent()).to.deep.equal([[1], [3]]);
    });

    it('does not process an item whose deadline has passed or whose signal has aborted', async () => {
      const { run, sent } = holdingQueue();
      await expectReason(run(1, { deadline: Date.now() - 1 }), 'DEADLINE_EXCEEDED');
      await expectReason(run(2, { signal: AbortSignal.abort() }), 'CANCELLED');
      await endOfTurn();
      expect(sent()).to.deep.equal([]);
    });

    it('does not process an item whose deadline passes while the event loop is blocked', async () => {
      const { run, sent } = holdingQueue();
      const deadline = Date.now() + 2;
      const late = run(1, { deadline });
      while (Date.now() < deadline);
      await expectReason(late, 'DEADLINE_EXCEEDED');
      await endOfTurn();
      expect(sent()).to.deep.equal([]);
    });

    it('rejects a waiting item with the reason of its signal', async () => {
      const { queue, run, send } = holdingQueue();
      send(1);
      await endOfTurn();
      const plain = new AbortController();
      const typed = new AbortController();
      const calls = [run(2, { signal: plain.signal }), run(3, { signal: typed.signal })] as const;
      plain.abort();
      typed.abort(new AppError({ reason: 'SHUTTING_DOWN', message: 'stopping' }));
      await expectReason(calls[0], 'CANCELLED');
      await expectReason(calls[1], 'SHUTTING_DOWN');
      expect(queue.waiting).to.equal(0);
    });

    it('ignores the limits of an item whose batch has started', async () => {
      const { run, finish } = holdingQueue();
      const cancelled = new AbortController();
      const call = run(1, { deadline: Date.now() + 60_000, signal: cancelled.signal });
      await endOfTurn();
      cancelled.abort();
      await finish(0);
      expect(await call).to.equal(result(1));
    });

    it('applies the limits again to a deferred item', async () => {
      const { run, sent, batchAt } = holdingQueue();
      const cancelled = new AbortController();
      const call = run(1, { signal: cancelled.signal });
      await endOfTurn();
      batchAt(0).defer(0);
      cancelled.abort();
      batchAt(0).end();
      await expectReason(call, 'CANCELLED');
      expect(sent()).to.have.length(1);
    });

    it('accepts a deadline that is further away than the longest timer', async () => {
      const { run, finish, send } = holdingQueue();
      send(1);
      await endOfTurn();
      const call = run(2, { deadline: Date.now() + 2 ** 40 });
      await endOfTurn();
      await finish(0);
      await finish(1);
      expect(await call).to.equal(result(2));
    });
  });

  describe('limits', () => {
    it('rejects items with OVERLOADED when the queue is full', async () => {
      const { run, runAll, finish } = holdingQueue({ maxItems: 2, maxQueued: 2 });
      const started = runAll(1, 2);
      await endOfTurn();
      const waiting = runAll(3, 4);
      await expectReason(run(5), 'OVERLOADED');
      await finish(0);
      await finish(1);
      expect(await Promise.all([...started, ...waiting])).to.deep.equal([1, 2, 3, 4].map(result));
    });

    it('does not count items for which a batch can start', async () => {
      const { run, sent, send } = holdingQueue({ maxItems: 2, concurrency: 2, maxQueued: 1 });
      send(1, 2, 3, 4, 5);
      await expectReason(run(6), 'OVERLOADED');
      await endOfTurn();
      expect(sent()).to.deep.equal([
        [1, 2],
        [3, 4],
      ]);
    });
  });

  describe('close', () => {
    it('rejects further items with SHUTTING_DOWN and waits for the waiting items and the batches in flight', async () => {
      const { queue, run, runAll, batchAt, finish } = holdingQueue();
      const calls = runAll(1);
      await endOfTurn();
      calls.push(...runAll(2, 3));
      let isClosed = false;
      const closed = queue.close().then(() => {
        isClosed = true;
      });
      await expectReason(run(4), 'SHUTTING_DOWN');
      batchAt(0).defer(0);
      batchAt(0).end();
      await nextBatches();
      expect(isClosed).to.equal(false);
      await finish(1);
      await closed;
      expect(await Promise.all(calls)).to.deep.equal([1, 2, 3].map(result));
    });

    it('ends when the last waiting item leaves, and at once when nothing is left', async () => {
      const { queue, run } = holdingQueue();
      const cancelled = new AbortController();
      const call = run(1, { signal: cancelled.signal });
      const closed = queue.close();
      cancelled.abort();
      await closed;
      await expectReason(call, 'CANCELLED');
      await queue.close();
    });
  });
});
