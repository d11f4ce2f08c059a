import { expect } from 'chai';
import fc from 'fast-check';
import { afterRefund, decideRefund } from './refund.js';
import { aCharge, aPayment, paymentsByState } from '../testing/builders.js';

describe('decideRefund', () => {
  const partiallyRefunded = aPayment({ charge: aCharge({ refunded: 300n, refundPending: 200n }) });

  it('reserves the requested amount', () => {
    expect(decideRefund(partiallyRefunded, 500n)).to.deep.equal({ state: 'PENDING', amount: 500n });
  });

  it('reserves the whole remaining amount if no amount is requested', () => {
    const payment = aPayment({ charge: aCharge({ refunded: 300n }) });
    expect(decideRefund(payment, undefined)).to.deep.equal({ state: 'PENDING', amount: 700n });
  });

  it('is undecided while a pending refund determines whether the amount fits', () => {
    for (const amount of [501n, 700n, undefined])
      expect(decideRefund(partiallyRefunded, amount)).to.deep.equal({ state: 'UNDECIDED' });
  });

  it('rejects one minor unit more than the amount that is not refunded', () => {
    const rejected = { state: 'REFUSED', reason: 'REFUND_EXCEEDS_CAPTURE' };
    expect(decideRefund(partiallyRefunded, 701n)).to.deep.equal(rejected);
    expect(decideRefund(paymentsByState.REFUNDED, undefined)).to.deep.equal(rejected);
  });

  for (const state of [
    'PENDING',
    'ACTION_REQUIRED',
    'AUTHORIZED',
    'VOIDED',
    'DECLINED',
    'EXPIRED',
  ] as const) {
    it(`rejects a payment in state ${state}`, () => {
      const decided = decideRefund(paymentsByState[state], undefined);
      expect(decided).to.deep.equal({ state: 'REFUSED', reason: 'ILLEGAL_TRANSITION' });
    });
  }

  it('rejects a tombstone', () => {
    const tombstone = aPayment({ state: 'VOIDED', charge: undefined });
    expect(decideRefund(tombstone, 1n)).to.deep.equal({ state: 'REFUSED', reason: 'ILLEGAL_TRANSITION' });
  });

  it('keeps the total of refunds within the captured amount', () => {
    const amounts = fc.tuple(fc.bigInt(1n, 1000n), fc.bigInt(0n, 1000n), fc.bigInt(0n, 1000n));
    fc.assert(
      fc.property(amounts, fc.option(fc.bigInt(-10n, 2000n)), ([captured, refunded, pending], requested) => {
        fc.pre(refunded + pending <= captured);
        const charge = aCharge({ captured, refunded, refundPending: pending });
        const decided = decideRefund(aPayment({ charge }), requested ?? undefined);
        if (decided.state !== 'PENDING') return;
        expect(decided.amount > 0n && refunded + pending + decided.amount <= captured).to.equal(true);
      }),
    );
  });
});

describe('afterRefund', () => {
  const finishedAt = new Date('2024-05-02T10:00:00Z');
  const rest = { externallyRefundedAfter: 0n, finishedAt };

  it('returns the payment without later refunds', () => {
    const outcome = { state: 'SUCCEEDED', amount: 300n, refundedAfter: 300n, ...rest } as const;
    const payment = afterRefund(paymentsByState.REFUNDED, outcome);
    expect(payment).to.include({ state: 'PARTIALLY_REFUNDED', updatedAt: finishedAt });
    expect(payment.charge?.refunded).to.equal(300n);
  });

  it('returns a REFUNDED payment after the refund of the last remaining amount', () => {
    const outcome = { state: 'SUCCEEDED', amount: 300n, refundedAfter: 1000n, ...rest } as const;
    expect(afterRefund(paymentsByState.REFUNDED, outcome).state).to.equal('REFUNDED');
  });
});
