import { money } from '../../../pkg/money/index.js';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { showAmount } from '../amounts.js';
import { outcomeOf } from '../describe.js';
import { paymentsOf, stockOfOne } from '../lookups.js';
import { place } from '../persist.js';
import { cancel, orderRequest, stockProduct } from '../shop.js';
import type { Scenario } from './scenario.js';

export const cancelled: Scenario = {
  number: 6,
  title: 'A confirmed order is cancelled: money and stock come back',
  async play(world, story) {
    const lamps = await stockProduct(world, { slug: 'lamp', price: money('USD', 6500), units: 10 });
    const onHand = async () => Number((await stockOfOne(world, lamps.sku)).onHand);
    story.say('Grace orders 4 lamps');
    const before = await onHand();
    const placed = await place(world, orderRequest(world, { customer: 'grace', items: [[lamps, 4]] }));
    story.order('placed', placed);
    story.expect('the order is CONFIRMED', outcomeOf(placed.value), 'CONFIRMED');
    const between = await onHand();

    story.say('she changes her mind');
    const done = await cancel(world, placed.value);
    story.order('cancelled', done);
    story.expect('the order is CANCELLED', outcomeOf(done.value), 'CANCELLED');
    const after = await onHand();
    story.note(`lamps on the shelf: ${before} before, ${between} sold, ${after} after`);
    story.expect('the lamps are back', [before, between, after], [10, 6, 10]);
    const payments = await paymentsOf(world, placed.value);
    const returned = payments.map(
      ({ state, refundedAmount }) => `${PaymentState[state]} ${showAmount(refundedAmount)}`,
    );
    story.expect('the money is back', returned, ['REFUNDED 260.00 USD']);
    const refunded = payments.map(({ audit }) => showAmount(audit?.refundedAmount));
    story.expect("so say the gateway's books", refunded, ['260.00 USD']);
  },
};
