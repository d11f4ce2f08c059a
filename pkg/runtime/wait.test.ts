import { expect } from 'chai';
import fc from 'fast-check';
import { backoffMs, every, pause } from './wait.js';

describe('pause', () => {
  it('says that it waited to its end', async () => {
    expect(await pause(1)).to.equal(true);
  });

  it('ends early, without throwing, when it is aborted', async () => {
    const stop = new AbortController();
    const waiting = pause(3_600_000, stop.signal);
    stop.abort(new Error('enough'));
    expect(await waiting).to.equal(false);
    expect(await pause(3_600_000, stop.signal)).to.equal(false);
  });
});

describe('backoff', () => {
  const anyBackoff = fc.record({
    baseMs: fc.integer({ min: 1, max: 1000 }),
    capMs: fc.integer({ min: 1, max: 60_000 }),
  });
  const anyAttempt = fc.integer({ min: 1, max: 5000 });
  const almostOne = 1 - Number.EPSILON;

  it('is never negative and never above its cap', () => {
    fc.assert(
      fc.property(
        anyAttempt,
        anyBackoff,
        fc.double({ min: 0, max: almostOne, noNaN: true }),
        (attempt, backoff, random) => {
          const ms = backoffMs(attempt, backoff, () => random);
          return ms >= 0 && ms <= backoff.capMs;
        },
      ),
    );
  });

  it('doubles its bound with each attempt up to the cap', () => {
    const bound = (attempt: number) =>
      Math.round(backoffMs(attempt, { baseMs: 10, capMs: 100 }, () => almostOne));
    expect([1, 2, 3, 4, 5, 6, 1000].map(bound)).to.deep.equal([10, 20, 40, 80, 100, 100, 100]);
  });

  it('may be nothing at all: its jitter is full', () => {
    fc.assert(
      fc.property(anyAttempt, anyBackoff, (attempt, backoff) => backoffMs(attempt, backoff, () => 0) === 0),
    );
  });
});

describe('every', () => {
  /** Runs `task` every millisecond until it has run `times` times. */
  const runTimes = async (times: number, task: (run: number) => Promise<void>, errors: unknown[] = []) => {
    let runs = 0;
    let finish: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const loop = every(
      1,
      () => {
        runs += 1;
        if (runs === times) finish();
        return task(runs);
      },
      (error) => errors.push(error),
    );
    await done;
    await loop.close();
    return { runs: () => runs };
  };

  it('begins at once and goes on until it is closed', async () => {
    const { runs } = await runTimes(3, async () => undefined);
    const before = runs();
    await pause(10);
    expect(runs()).to.equal(before);
  });

  it('tells of a failing run and goes on', async () => {
    const errors: unknown[] = [];
    await runTimes(3, (run) => (run === 1 ? Promise.reject(new Error('once')) : Promise.resolve()), errors);
    expect(errors.map(String)).to.deep.equal(['Error: once']);
  });

  it('goes on after a task that throws before its first await', async () => {
    const errors: unknown[] = [];
    await runTimes(
      3,
      (run) => {
        if (run < 3) throw new Error(`run ${run}`);
        return Promise.resolve();
      },
      errors,
    );
    expect(errors).to.have.length(2);
  });

  it('never runs twice at the same time', async () => {
    let running = 0;
    let most = 0;
    await runTimes(5, async () => {
      running += 1;
      most = Math.max(most, running);
      await pause(3);
      running -= 1;
    });
    expect(most).to.equal(1);
  });

  it('tells the run under way to stop, and waits for it', async () => {
    let isOver = false;
    const loop = every(
      1,
      async (signal) => {
        await pause(3_600_000, signal);
        await pause(5);
        isOver = true;
      },
      () => undefined,
    );
    await loop.close();
    expect(isOver).to.equal(true);
  });
});
