import { expect } from 'chai';
import type { AppError } from '../../errors/index.js';
import { Admission, type Admitted } from './admission.js';

const aCall = (): Admitted & { reasons: string[] } => {
  const reasons: string[] = [];
  return { reasons, abort: (error: AppError) => void reasons.push(error.reason) };
};

describe('Admission', () => {
  it('admits calls up to its limit and rejects further calls with a retry delay', () => {
    const admission = new Admission(2);
    const calls = [aCall(), aCall()];
    for (const call of calls) admission.enter(call);
    expect(admission.inFlight).to.equal(2);
    expect(() => admission.enter(aCall()))
      .to.throw('limit of 2 calls')
      .with.include({ reason: 'OVERLOADED', retryAfterMs: 250 });
    expect(admission.inFlight).to.equal(2);
  });

  it('frees only one place when the same call leaves twice', () => {
    const admission = new Admission(1);
    const [first, second] = [aCall(), aCall()];
    admission.enter(first);
    admission.leave(first);
    admission.leave(first);
    admission.enter(second);
    expect(() => admission.enter(first)).to.throw();
  });

  it('frees no place when a rejected call leaves', () => {
    const admission = new Admission(1);
    const rejected = aCall();
    admission.enter(aCall());
    expect(() => admission.enter(rejected)).to.throw();
    admission.leave(rejected);
    expect(admission.inFlight).to.equal(1);
  });

  it('frees the place of a call that only waits, up to a limit of waiting calls', () => {
    const admission = new Admission(1);
    const calls = Array.from({ length: 11 }, aCall);
    for (const call of calls) {
      admission.enter(call);
      admission.wait(call);
    }
    expect(admission.inFlight).to.equal(11);
    expect(() => admission.enter(aCall())).to.throw('limit of 1 calls');
    admission.leave(calls[0]!);
    admission.wait(calls[10]!);
    admission.enter(aCall());
  });

  it('aborts waiting calls when it is closed', () => {
    const admission = new Admission(1);
    const call = aCall();
    admission.enter(call);
    admission.wait(call);
    admission.close();
    expect(call.reasons).to.deep.equal(['SHUTTING_DOWN']);
  });

  it('aborts the calls in progress when it is closed, and rejects new calls', () => {
    const admission = new Admission(3);
    const [endedCall, first, second] = [aCall(), aCall(), aCall()];
    for (const call of [endedCall, first, second]) admission.enter(call);
    admission.leave(endedCall);
    admission.close();
    expect([endedCall, first, second].map(({ reasons }) => reasons)).to.deep.equal([
      [],
      ['SHUTTING_DOWN'],
      ['SHUTTING_DOWN'],
    ]);
    expect(() => admission.enter(aCall()))
      .to.throw()
      .with.property('reason', 'SHUTTING_DOWN');
  });
});
