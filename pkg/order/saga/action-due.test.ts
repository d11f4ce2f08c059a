import { expect } from 'chai';
import { latestDueTime, limitDueTime, overdue, refuseOverdue } from './action-due.js';
import type { Waiting } from './plan.js';

describe('the due time of a payment action', () => {
  const at = (ms: number): Date => new Date(1_800_000_000_000 + ms);
  const waitingUntil = (ms: number): Waiting => ({
    kind: 'waiting',
    action: { url: 'https://bank.example/3ds', dueAt: at(ms) },
  });

  it('leaves a tenth of the lifetime of the reservation, at most 30 s, for the commit', () => {
    expect(latestDueTime({ reservedAt: at(0), expiresAt: at(900_000) })).to.deep.equal(at(870_000));
    expect(latestDueTime({ reservedAt: at(0), expiresAt: at(1000) })).to.deep.equal(at(900));
  });

  it('is limited only when it is later', () => {
    expect(limitDueTime(waitingUntil(100), at(100))).to.deep.equal(waitingUntil(100));
    expect(limitDueTime(waitingUntil(101), at(100))).to.deep.equal({ ...waitingUntil(100), isLimited: true });
  });

  it('ends the wait at once when it is limited, and otherwise after 30 s', () => {
    const limited = { ...waitingUntil(0), isLimited: true };
    expect(refuseOverdue(limited, at(0))).to.equal(limited);
    expect(refuseOverdue(limited, at(1))).to.equal(overdue);
    expect(refuseOverdue(waitingUntil(0), at(30_000))).to.include({ kind: 'waiting' });
    expect(refuseOverdue(waitingUntil(0), at(30_001))).to.equal(overdue);
  });
});
