import { expect } from 'chai';
import { waitFor } from '../../test/support/wait-for.js';
import { callGateway, claimLimit, drain } from './background.js';

const { signal } = new AbortController();

describe('callGateway', () => {
  const untilAborted = (limit: AbortSignal): Promise<string> =>
    new Promise((resolve) => {
      if (limit.aborted) resolve('aborted');
      limit.addEventListener('abort', () => resolve('aborted'), { once: true });
    });

  it('aborts the call after gatewayTimeoutMs', async () => {
    expect(await callGateway(signal, { gatewayTimeoutMs: 1 }, untilAborted)).to.equal('aborted');
  });

  it('aborts the call when its caller cancels, even if the caller has cancelled before the call', async () => {
    const caller = new AbortController();
    const call = callGateway(caller.signal, { gatewayTimeoutMs: 60_000 }, untilAborted);
    caller.abort();
    expect(await call).to.equal('aborted');
    expect(await callGateway(caller.signal, { gatewayTimeoutMs: 60_000 }, untilAborted)).to.equal('aborted');
  });
});

describe('drain', () => {
  /** Drains `due` items, and returns the number of claimed items and of attempts that ran at a time. */
  async function drained(
    due: number,
    attempt: (item: number, claimed: () => number) => Promise<unknown>,
  ): Promise<{ claimed: number; mostRunning: number }> {
    let [claimed, running, mostRunning] = [0, 0, 0];
    const queue = {
      name: 'test.drain',
      claim: async (limit: number) => {
        const size = Math.min(limit, due - claimed);
        const items = Array.from({ length: size }, (_, index) => ({ paymentId: String(claimed + index) }));
        claimed += size;
        return items;
      },
      attempt: async ({ paymentId }: { paymentId: string }) => {
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        try {
          await attempt(Number(paymentId), () => claimed);
        } finally {
          running -= 1;
        }
      },
    };
    await drain(queue, signal).catch((error: unknown) => expect(error).to.be.instanceOf(AggregateError));
    return { claimed, mostRunning };
  }
  const answerIf = async (isAnswered: boolean): Promise<void> => {
    if (!isAnswered) throw new Error('no answer');
  };

  it('attempts all items that are due, a limited number at a time', async () => {
    const due = 4 * claimLimit + 1;
    expect(await drained(due, () => answerIf(true))).to.deep.equal({ claimed: due, mostRunning: claimLimit });
  });

  it('continues while some attempts are answered', async () => {
    const due = 4 * claimLimit + 1;
    expect((await drained(due, (item) => answerIf(item % 2 === 0))).claimed).to.equal(due);
  });

  it('ends when an item is due again at once', async () => {
    let attempts = 0;
    const queue = {
      name: 'test.drain',
      claim: () => Promise.resolve([{ paymentId: 'due at once' }]),
      attempt: async () => void (attempts += 1),
    };
    await drain(queue, signal);
    expect(attempts).to.equal(2);
  });

  it('stops after a round without an answer', async () => {
    expect((await drained(10 * claimLimit, () => answerIf(false))).claimed).to.equal(claimLimit);
    const { claimed } = await drained(10 * claimLimit, (item) => answerIf(item < claimLimit));
    expect(claimed).to.be.at.most(3 * claimLimit);
  });

  it('attempts the other items while one attempt is slow', async () => {
    const due = 4 * claimLimit;
    const { claimed } = await drained(due, async (item, claimedYet) => {
      if (item === 0) await waitFor(() => claimedYet() === due, 'claim of all other items');
    });
    expect(claimed).to.equal(due);
  });
});
