import { expect } from 'chai';
import { retryConflicts } from './retry.js';
import { failureOf } from '../../test/support/expect-reason.js';

describe('retryConflicts', () => {
  const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
  const lost = Object.assign(new Error('lost'), { code: '57P01' });

  async function attempt(...outcomes: (Error | string)[]): Promise<{ result: unknown; retries: number }> {
    let retries = 0;
    let next = 0;
    const result = await retryConflicts(
      () => {
        const outcome = outcomes[next] ?? 'no more outcomes';
        next += 1;
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
      },
      () => {
        retries += 1;
      },
    );
    return { result, retries };
  }

  it('repeats until an attempt succeeds', async () => {
    expect(await attempt(deadlock, deadlock, 'done')).to.deep.equal({ result: 'done', retries: 2 });
  });

  it('fails with the conflict after three retries', async () => {
    expect(await failureOf(attempt(deadlock, deadlock, deadlock, deadlock, 'late'))).to.equal(deadlock);
  });

  it('does not repeat after a lost connection', async () => {
    expect(await failureOf(attempt(lost, 'again'))).to.equal(lost);
  });
});
