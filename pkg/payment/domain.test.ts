import { expect } from 'chai';
import { amountOf, paymentStates, verdicts, wasNeverMade, type Command, type Verdict } from './domain.js';
import { aCharge, aPayment, paymentsByState } from './testing/builders.js';

describe('what may be asked of a payment', () => {
  const table: Readonly<Record<Command, readonly Verdict[]>> = {
    //        AUTHORIZED CAPTURED  PARTIALLY REFUNDED  VOIDED    DECLINED
    CAPTURE: ['ACT', 'ANSWER', 'ANSWER', 'ANSWER', 'REFUSE', 'REFUSE'],
    VOID: ['ACT', 'REFUSE', 'REFUSE', 'REFUSE', 'ANSWER', 'ANSWER'],
    REFUND: ['REFUSE', 'ACT', 'ACT', 'ACT', 'REFUSE', 'REFUSE'],
  };
  for (const [command, expected] of Object.entries(table)) {
    for (const [index, state] of paymentStates.entries()) {
      it(`${command} of a payment that is ${state}: ${expected[index] ?? ''}`, () => {
        expect(verdicts[command as Command][state]).to.equal(expected[index]);
      });
    }
  }
});

describe('a payment that was never made', () => {
  it('is a tombstone, or one whose order was paid otherwise', () => {
    expect(wasNeverMade(aPayment({ state: 'VOIDED', charge: undefined }))).to.equal(true);
    const refused = aCharge({ authorized: 0n, captured: 0n });
    expect(wasNeverMade(aPayment({ state: 'VOIDED', charge: refused }))).to.equal(true);
  });

  for (const state of paymentStates) {
    it(`is not one that was made and is ${state}`, () => {
      expect(wasNeverMade(paymentsByState[state])).to.equal(false);
    });
  }

  it('has no amount when it is a tombstone', () => {
    expect(amountOf(aPayment({ charge: undefined }))).to.equal(undefined);
    expect(amountOf(aPayment())).to.deep.equal({ currency: 'USD', minor: 1000n });
  });
});
