import { money } from '../../../pkg/money/index.js';
import { describePayment, outcomeOf } from '../describe.js';
import { paymentsOf, reservationOf, stockOfOne } from '../lookups.js';
import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import { place } from '../persist.js';
import { orderRequest, stockProduct, type Product } from '../shop.js';
import type { Story } from '../story.js';
import type { World } from '../world.js';
import type { Scenario } from './scenario.js';

export const declined: Scenario = {
  number: 3,
  title: 'A card is declined, for two reasons',
  async play(world, story) {
    const mugs = await stockProduct(world, { slug: 'mug', price: money('USD', 1500), units: 5 });
    for (const code of ['INSUFFICIENT_FUNDS', 'CARD_EXPIRED'] as const) {
      await decline(world, story, { mugs, code });
    }
  },
};

async function decline(world: World, story: Story, { mugs, code }: { mugs: Product; code: string }) {
  const paymentMethod = `pm_decline_${code.toLowerCase()}`;
  story.say(`Carol orders 5 mugs and pays with ${paymentMethod}`);
  const placed = await place(
    world,
    orderRequest(world, { customer: 'carol', items: [[mugs, 5]], paymentMethod }),
  );
  const order = placed.value;
  story.order('placed', placed);
  story.expect('the order is REJECTED', outcomeOf(order), 'REJECTED PAYMENT_DECLINED');
  story.expect(`it says why`, order.rejection?.declineCode, code);
  story.expect('it says what to do', adviceGiven.has(order.rejection?.declineAdvice ?? ''), true);
  const payments = await paymentsOf(world, order);
  story.expect('no money was taken', payments.map(describePayment), ['DECLINED 0.00 USD']);
  const { onHand, reserved } = await stockOfOne(world, mugs.sku);
  const reservation = await reservationOf(world, order);
  story.expect('its claim was dropped', ReservationState[reservation?.state ?? 0], 'RELEASED');
  story.expect('all mugs are for sale again', { onHand, reserved }, { onHand: 5n, reserved: 0n });
}

const adviceGiven = new Set(['DO_NOT_RETRY', 'RETRY_LATER']);
