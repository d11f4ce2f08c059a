import { expect } from 'chai';
import { scriptOf } from './test-methods.js';

describe('test payment methods', () => {
  it('apply the failure rate only to `pm_approve` and `pm_approve_` with any suffix', () => {
    for (const method of ['pm_approve', 'pm_approve_visa', 'pm_approve_2'])
      expect(scriptOf(method), method).to.include({ kind: 'APPROVE', isFallible: true });
    for (const method of ['pm_slow', 'pm_answer_lost', 'pm_fail_1_then_approve'])
      expect(scriptOf(method), method).to.include({ kind: 'APPROVE', isFallible: false });
  });

  it('fail one to nine attempts before the approval', () => {
    for (let failures = 1; failures <= 9; failures += 1)
      expect(scriptOf(`pm_fail_${failures}_then_approve`)).to.include({ kind: 'APPROVE', failures });
  });

  it('lose the first answer of an authorization, capture or refund', () => {
    expect(scriptOf('pm_answer_lost')).to.include({ losesAnswerOf: 'AUTHORIZE' });
    expect(scriptOf('pm_capture_answer_lost')).to.include({ losesAnswerOf: 'CAPTURE' });
    expect(scriptOf('pm_refund_answer_lost')).to.include({ losesAnswerOf: 'REFUND' });
  });

  it('answer later, expire, or decline a capture or a refund', () => {
    const scripts = {
      pm_authorize_pending: { decides: 'LATER' },
      pm_action_required: { decides: 'AFTER_ACTION' },
      pm_action_expires: { decides: 'ACTION_EXPIRES' },
      pm_authorization_expires: { decides: 'NOW', capture: 'EXPIRED' },
      pm_capture_declined: { decides: 'NOW', capture: 'DECLINED' },
      pm_refund_declined: { capture: 'CAPTURED', refund: 'DECLINED' },
      pm_refund_pending: { capture: 'CAPTURED', refund: 'REFUNDED_LATER' },
      pm_refund_pending_declined: { capture: 'CAPTURED', refund: 'DECLINED_LATER' },
    };
    for (const [method, script] of Object.entries(scripts)) expect(scriptOf(method)).to.include(script);
  });

  for (const method of [
    'pm_unknown',
    'pm_approved',
    'pm_fail_0_then_approve',
    'pm_fail_10_then_approve',
    '',
  ]) {
    it(`decline the unknown method "${method}"`, () => {
      expect(scriptOf(method)).to.deep.equal({ kind: 'DECLINE', code: 'INVALID_PAYMENT_METHOD' });
    });
  }
});
