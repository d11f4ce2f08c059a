import { expect } from 'chai';
import type { AppError } from '../errors/index.js';
import { Admission, type Admitted } from './admission.js';

const aCall = (): Admitted & { reasons: string[] } => {
  const reasons: string[] = [];
  return { reasons, abort: (error: AppError) => void reasons.push(error.reason) };
};

describe('Admission', () => {
  it('takes calls up to its limit and refuses more, with the time to wait', () => {
    const admission = new Admission(2);
    const calls = [aCall(), aCall()];
    for (const call of calls) admission.enter(call);
    expect(admission.inFlight).to.equal(2);
    expect(() => admission.enter(aCall()))
      .to.throw('limit of 2 calls')
      .with.include({ reason: 'OVERLOADED', retryAfterMs: 250 });
    expect(admission.inFlight).to.equal(2);
  });

  it('has a place again when a call has left, even if it leaves twice', () => {
    const admission = new Admission(1);
    const [first, second] = [aCall(), aCall()];
    admission.enter(first);
    admission.leave(first);
    admission.leave(first);
    admission.enter(second);
    expect(() => admission.enter(first)).to.throw();
  });

  it('is not left by a call that was refused', () => {
    const admission = new Admission(1);
    const refused = aCall();
    admission.enter(aCall());
    expect(() => admission.enter(refused)).to.throw();
    admission.leave(refused);
    expect(admission.inFlight).to.equal(1);
  });

  it('ends the calls under way when it is closed, and takes no more', () => {
    const admission = new Admission(3);
    const [gone, under, way] = [aCall(), aCall(), aCall()];
    for (const call of [gone, under, way]) admission.enter(call);
    admission.leave(gone);
    admission.close();
    expect([gone, under, way].map(({ reasons }) => reasons)).to.deep.equal([
      [],
      ['SHUTTING_DOWN'],
      ['SHUTTING_DOWN'],
    ]);
    expect(() => admission.enter(aCall()))
      .to.throw()
      .with.property('reason', 'SHUTTING_DOWN');
  });
});
