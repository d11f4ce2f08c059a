import { expect } from 'chai';
import fc from 'fast-check';
import { afterRefund, decideRefund } from './refund.js';
import { aCharge, aPayment, paymentsByState } from './testing/builders.js';

describe('deciding a refund', () => {
  const partlyGone = aPayment({ charge: aCharge({ refunded: 300n, refundPending: 200n }) });

  it('gives back what is asked for', () => {
    expect(decideRefund(partlyGone, 500n)).to.deep.equal({ state: 'PENDING', amount: 500n });
  });

  it('gives back all that is neither given back nor reserved when no amount is asked for', () => {
    expect(decideRefund(partlyGone, undefined)).to.deep.equal({ state: 'PENDING', amount: 500n });
  });

  it('refuses more than is left, by a single minor unit', () => {
    const refused = { state: 'REFUSED', refusal: 'REFUND_EXCEEDS_CAPTURE' };
    expect(decideRefund(partlyGone, 501n)).to.deep.equal(refused);
    expect(decideRefund(paymentsByState.REFUNDED, undefined)).to.deep.equal(refused);
  });

  for (const state of ['AUTHORIZED', 'VOIDED', 'DECLINED'] as const) {
    it(`refuses a payment that is ${state}`, () => {
      const decided = decideRefund(paymentsByState[state], undefined);
      expect(decided).to.deep.equal({ state: 'REFUSED', refusal: 'ILLEGAL_TRANSITION' });
    });
  }

  it('refuses a tombstone and a payment that does not exist', () => {
    const tombstone = aPayment({ state: 'VOIDED', charge: undefined });
    expect(decideRefund(tombstone, 1n)).to.deep.equal({ state: 'REFUSED', refusal: 'ILLEGAL_TRANSITION' });
    expect(decideRefund(undefined, 1n)).to.deep.equal({ state: 'REFUSED', refusal: 'PAYMENT_NOT_FOUND' });
  });

  it('never lets refunds be more than what was captured', () => {
    const amounts = fc.tuple(fc.bigInt(1n, 1000n), fc.bigInt(0n, 1000n), fc.bigInt(0n, 1000n));
    fc.assert(
      fc.property(amounts, fc.option(fc.bigInt(-10n, 2000n)), ([captured, refunded, pending], asked) => {
        fc.pre(refunded + pending <= captured);
        const charge = aCharge({ captured, refunded, refundPending: pending });
        const decided = decideRefund(aPayment({ charge }), asked ?? undefined);
        if (decided.state === 'REFUSED') return;
        expect(decided.amount > 0n && refunded + pending + decided.amount <= captured).to.equal(true);
      }),
    );
  });
});

describe('the payment after a refund', () => {
  const finishedAt = new Date('2024-05-02T10:00:00Z');

  it('is as it was then, whatever was refunded since', () => {
    const outcome = { state: 'SUCCEEDED', amount: 300n, refundedAfter: 300n, finishedAt } as const;
    const then = afterRefund(paymentsByState.REFUNDED, outcome);
    expect(then).to.include({ state: 'PARTIALLY_REFUNDED', updatedAt: finishedAt });
    expect(then.charge?.refunded).to.equal(300n);
  });

  it('is REFUNDED by the refund that gave back the last of it', () => {
    const outcome = { state: 'SUCCEEDED', amount: 300n, refundedAfter: 1000n, finishedAt } as const;
    expect(afterRefund(paymentsByState.REFUNDED, outcome).state).to.equal('REFUNDED');
  });
});
