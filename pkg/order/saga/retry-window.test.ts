import { expect } from 'chai';
import { pause } from '../../runtime/index.js';
import type { SagaOrder } from '../domain.js';
import { anOrder } from '../testing/builders.js';
import { attemptOutcome, RetryWindow } from './retry-window.js';

describe('RetryWindow', () => {
  const attempt = (window: RetryWindow, outcome: 'SUCCEEDED' | 'FAILED'): void => {
    const count = window.capacity;
    for (let started = 0; started < count; started += 1) window.started();
    for (let ended = 0; ended < count; ended += 1) window.ended(outcome);
  };

  it('doubles its capacity with each round of successes, up to its maximum', () => {
    const window = new RetryWindow({ minimum: 4, maximum: 20 });
    const capacities = Array.from({ length: 4 }, () => {
      attempt(window, 'SUCCEEDED');
      return window.capacity;
    });
    expect(capacities).to.deep.equal([8, 16, 20, 20]);
    expect(window.isOpen).to.equal(true);
  });

  it('falls to its minimum when attempts fail', () => {
    const window = new RetryWindow({ minimum: 4, maximum: 20 });
    for (let round = 0; round < 3; round += 1) attempt(window, 'SUCCEEDED');
    attempt(window, 'FAILED');
    expect(window.capacity).to.equal(4);
    expect(window.isOpen).to.equal(false);
  });

  it('counts attempts in progress', () => {
    const window = new RetryWindow({ minimum: 4, maximum: 2 });
    window.started();
    expect(window.capacity).to.equal(1);
    window.started();
    expect(window.capacity).to.equal(0);
  });

  describe('a wait for free capacity', () => {
    const waiting = (window: RetryWindow, ms: number, signal = new AbortController().signal) => {
      const state = { isOver: false, end: Promise.resolve() };
      state.end = window.freed(ms, signal).then(() => void (state.isOver = true));
      return state;
    };
    const fullWindow = (): RetryWindow => {
      const window = new RetryWindow({ minimum: 8, maximum: 8 });
      for (let started = 0; started < 8; started += 1) window.started();
      return window;
    };

    it('ends when a quarter of the limit is free', async () => {
      const window = fullWindow();
      const wait = waiting(window, 60_000);
      window.ended('FAILED');
      await pause(10);
      expect(wait.isOver).to.equal(false);
      window.ended('FAILED');
      await wait.end;
      await window.freed(60_000, new AbortController().signal);
    });

    it('ends after its maximum duration, and when it is aborted', async () => {
      await waiting(fullWindow(), 5).end;
      const stop = new AbortController();
      const wait = waiting(fullWindow(), 60_000, stop.signal);
      stop.abort();
      await wait.end;
    });
  });
});

describe('the outcome of an attempt', () => {
  const before = anOrder({ step: 'AUTHORIZE_PAYMENT', failures: 3 });
  const paymentAction = { url: 'https://bank.example/3ds', dueAt: new Date(1000) };
  const block = { reason: 'REFUND_DECLINED', since: new Date(1000) };
  const outcomes: Record<string, [after: Partial<SagaOrder> | undefined, outcome: string]> = {
    'that ended with an error': [undefined, 'FAILED'],
    'in doubt': [{ failures: 4 }, 'FAILED'],
    'in doubt after the order waited for its customer': [{ paymentAction, failures: 1 }, 'FAILED'],
    'of an order that waits for its customer': [{ paymentAction, failures: 0 }, 'SUCCEEDED'],
    'that blocked the order': [{ state: 'CANCELLING', block, failures: 0 }, 'SUCCEEDED'],
    'with another step next': [{ step: 'COMMIT_STOCK', failures: 0 }, 'SUCCEEDED'],
    'that finished the order': [{ state: 'CONFIRMED', failures: 0 }, 'SUCCEEDED'],
  };
  for (const [attempt, [after, outcome]] of Object.entries(outcomes))
    it(`${attempt} is ${outcome}`, () => {
      expect(attemptOutcome(before, after && { ...before, ...after })).to.equal(outcome);
    });
});
