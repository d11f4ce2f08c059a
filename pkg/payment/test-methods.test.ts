import { expect } from 'chai';
import { scriptOf } from './test-methods.js';

describe('test payment methods', () => {
  it('approve with any suffix, and only these are subject to the failure rate', () => {
    for (const method of ['pm_approve', 'pm_approve_visa', 'pm_approve_2'])
      expect(scriptOf(method), method).to.include({ kind: 'APPROVE', isFallible: true });
    for (const method of ['pm_slow', 'pm_answer_lost', 'pm_fail_1_then_approve'])
      expect(scriptOf(method), method).to.include({ kind: 'APPROVE', isFallible: false });
  });

  it('fail from one to nine times, then approve', () => {
    for (let failures = 1; failures <= 9; failures += 1)
      expect(scriptOf(`pm_fail_${failures}_then_approve`)).to.include({ kind: 'APPROVE', failures });
  });

  it('lose the first answer of one call', () => {
    expect(scriptOf('pm_answer_lost')).to.include({ losesAnswerOf: 'AUTHORIZE' });
    expect(scriptOf('pm_capture_answer_lost')).to.include({ losesAnswerOf: 'CAPTURE' });
    expect(scriptOf('pm_refund_answer_lost')).to.include({ losesAnswerOf: 'REFUND' });
  });

  for (const method of [
    'pm_unknown',
    'pm_approved',
    'pm_fail_0_then_approve',
    'pm_fail_10_then_approve',
    '',
  ]) {
    it(`decline what is not one of them: "${method}"`, () => {
      expect(scriptOf(method)).to.deep.equal({ kind: 'DECLINE', code: 'INVALID_PAYMENT_METHOD' });
    });
  }
});
