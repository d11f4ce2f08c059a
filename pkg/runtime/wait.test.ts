import { expect } from 'chai';
import fc from 'fast-check';
import { backoffMs, every, pause, waitUntil } from './wait.js';

describe('pause', () => {
  it('returns true after the wait', async () => {
    expect(await pause(1)).to.equal(true);
  });

  it('returns false, without throwing, after an abort', async () => {
    const stop = new AbortController();
    const waiting = pause(3_600_000, stop.signal);
    stop.abort(new Error('enough'));
    expect(await waiting).to.equal(false);
    expect(await pause(3_600_000, stop.signal)).to.equal(false);
  });
});

describe('waitUntil', () => {
  const never = new Promise<never>(() => undefined);

  it('returns the value of a promise that settles in time', async () => {
    const options = { deadline: Date.now() + 60_000, signal: new AbortController().signal };
    expect(await waitUntil(Promise.resolve(7), options)).to.equal(7);
    expect(await waitUntil(Promise.resolve(7), { deadline: Infinity })).to.equal(7);
    expect(await waitUntil(Promise.resolve(7), {})).to.equal(7);
  });

  it('returns undefined at the deadline, also when the deadline is in the past', async () => {
    expect(await waitUntil(never, { deadline: Date.now() + 1 })).to.equal(undefined);
    expect(await waitUntil(never, { deadline: 0 })).to.equal(undefined);
  });

  it('returns undefined when the signal aborts, also when the signal aborted before the call', async () => {
    const stop = new AbortController();
    const waiting = waitUntil(never, { signal: stop.signal });
    stop.abort(new Error('enough'));
    expect(await waiting).to.equal(undefined);
    expect(await waitUntil(never, { signal: stop.signal })).to.equal(undefined);
  });

  it('rejects when the promise rejects', async () => {
    const failure = new Error('failed');
    const rejection: unknown = await waitUntil(Promise.reject(failure), {}).catch((error: unknown) => error);
    expect(rejection).to.equal(failure);
  });
});

describe('backoffMs', () => {
  const anyBackoff = fc.record({
    baseMs: fc.integer({ min: 1, max: 1000 }),
    capMs: fc.integer({ min: 1, max: 60_000 }),
  });
  const anyAttempt = fc.integer({ min: 1, max: 5000 });
  const almostOne = 1 - Number.EPSILON;

  it('returns a delay between zero and the cap', () => {
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

  it('doubles the upper bound with each attempt, up to the cap', () => {
    const bound = (attempt: number) =>
      Math.round(backoffMs(attempt, { baseMs: 10, capMs: 100 }, () => almostOne));
    expect([1, 2, 3, 4, 5, 6, 1000].map(bound)).to.deep.equal([10, 20, 40, 80, 100, 100, 100]);
  });

  it('returns zero for the smallest random number', () => {
    fc.assert(
      fc.property(anyAttempt, anyBackoff, (attempt, backoff) => backoffMs(attempt, backoff, () => 0) === 0),
    );
  });
});

describe('every', () => {
  /** Runs `task` every millisecond and closes the loop after `count` runs. */
  const runTimes = async (count: number, task: (run: number) => Promise<void>, errors: unknown[] = []) => {
    let runs = 0;
    let finish: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const loop = every(
      1,
      () => {
        runs += 1;
        if (runs === count) finish();
        return task(runs);
      },
      (error) => errors.push(error),
    );
    await done;
    await loop.close();
    return { runs: () => runs };
  };

  it('runs the task until the loop is closed', async () => {
    const { runs } = await runTimes(3, async () => undefined);
    const runsAtClose = runs();
    await pause(10);
    expect(runs()).to.equal(runsAtClose);
  });

  it('reports the error of a failed run and continues', async () => {
    const errors: unknown[] = [];
    await runTimes(3, (run) => (run === 1 ? Promise.reject(new Error('once')) : Promise.resolve()), errors);
    expect(errors.map(String)).to.deep.equal(['Error: once']);
  });

  it('continues after a task that throws synchronously', async () => {
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

  it('does not run the task concurrently', async () => {
    let running = 0;
    let maxRunning = 0;
    await runTimes(5, async () => {
      running += 1;
      maxRunning = Math.max(maxRunning, running);
      await pause(3);
      running -= 1;
    });
    expect(maxRunning).to.equal(1);
  });

  it('aborts the current run on close, and waits for its end', async () => {
    let hasFinished = false;
    const loop = every(
      1,
      async (signal) => {
        await pause(3_600_000, signal);
        await pause(5);
        hasFinished = true;
      },
      () => undefined,
    );
    await loop.close();
    expect(hasFinished).to.equal(true);
  });
});
