import { expect } from 'chai';
import {
  paymentStates,
  requestedAmount,
  verdicts,
  wasNeverAuthorized,
  type Command,
  type Verdict,
} from './domain.js';
import { aCharge, aPayment, paymentsByState } from './testing/builders.js';

describe('verdicts', () => {
  const table: Readonly<Record<Command, readonly Verdict[]>> = {
    // Columns: PENDING, ACTION_REQUIRED, AUTHORIZED, CAPTURED, PARTIALLY_REFUNDED, REFUNDED, VOIDED, DECLINED, EXPIRED.
    CAPTURE: words('IN_DOUBT REJECT EXECUTE UNCHANGED UNCHANGED UNCHANGED REJECT REJECT UNCHANGED'),
    VOID: words('EXECUTE EXECUTE EXECUTE REJECT REJECT REJECT UNCHANGED UNCHANGED UNCHANGED'),
    REFUND: words('REJECT REJECT REJECT EXECUTE EXECUTE EXECUTE REJECT REJECT REJECT'),
  };
  for (const [command, expected] of Object.entries(table)) {
    for (const [index, state] of paymentStates.entries()) {
      it(`contain ${expected[index] ?? ''} for ${command} in state ${state}`, () => {
        expect(verdicts[command as Command][state]).to.equal(expected[index]);
      });
    }
  }
});

function words(text: string): Verdict[] {
  return text.split(' ') as Verdict[];
}

describe('wasNeverAuthorized', () => {
  it('is true for a tombstone, and for a payment that is VOIDED because the order has another payment', () => {
    expect(wasNeverAuthorized(aPayment({ state: 'VOIDED', charge: undefined }))).to.equal(true);
    const rejected = aCharge({ authorized: 0n, captured: 0n });
    expect(wasNeverAuthorized(aPayment({ state: 'VOIDED', charge: rejected }))).to.equal(true);
  });

  for (const state of paymentStates) {
    it(`is false in state ${state} if the gateway approved or declined the authorization`, () => {
      expect(wasNeverAuthorized(paymentsByState[state])).to.equal(false);
    });
  }
});

describe('requestedAmount', () => {
  it('is undefined for a tombstone only', () => {
    expect(requestedAmount(aPayment({ charge: undefined }))).to.equal(undefined);
    expect(requestedAmount(aPayment())).to.deep.equal({ currency: 'USD', minor: 1000n });
  });
});
