import { money } from '../../../pkg/money/index.js';
import { formatPayment, outcomeOf } from '../output/format.js';
import { paymentsOf, reservationOf, stockOfOne } from '../context/queries.js';
import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import { placeOrder } from '../context/retry.js';
import { orderRequest, stockProduct, type Product } from '../context/actions.js';
import type { Recorder } from '../output/recorder.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import type { Scenario } from './scenario.js';

export const declined: Scenario = {
  number: 3,
  title: 'Two cards are declined, for different reasons',
  async run(context, recorder) {
    const mugs = await stockProduct(context, { slug: 'mug', price: money('USD', 1500), units: 5 });
    for (const code of ['INSUFFICIENT_FUNDS', 'CARD_EXPIRED'] as const) {
      await orderWithDeclinedCard(context, recorder, { mugs, code });
    }
  },
};

async function orderWithDeclinedCard(
  context: ScenarioContext,
  recorder: Recorder,
  { mugs, code }: { mugs: Product; code: string },
) {
  const paymentMethod = `pm_decline_${code.toLowerCase()}`;
  recorder.info(`Carol orders 5 mugs and pays with ${paymentMethod}`);
  const placed = await placeOrder(
    context,
    orderRequest(context, { customer: 'carol', items: [[mugs, 5]], paymentMethod }),
  );
  const order = placed.value;
  recorder.order('placed', placed);
  recorder.check('the order is REJECTED', outcomeOf(order), 'REJECTED PAYMENT_DECLINED');
  recorder.check('the rejection contains the decline code', order.rejection?.declineCode, code);
  recorder.check(
    'the rejection contains known decline advice',
    knownAdvice.has(order.rejection?.declineAdvice ?? ''),
    true,
  );
  const payments = await paymentsOf(context, order);
  recorder.check('no amount is captured', payments.map(formatPayment), ['DECLINED 0.00 USD']);
  const { onHand, reserved } = await stockOfOne(context, mugs.sku);
  const reservation = await reservationOf(context, order);
  recorder.check('the reservation is released', ReservationState[reservation?.state ?? 0], 'RELEASED');
  recorder.check('all mugs are available', { onHand, reserved }, { onHand: 5n, reserved: 0n });
}

const knownAdvice = new Set(['DO_NOT_RETRY', 'RETRY_LATER']);
