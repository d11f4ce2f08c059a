import { money } from '../../../pkg/money/index.js';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { outcomeOf } from '../output/format.js';
import { formatAmount } from '../../audit/checks/amounts.js';
import { paymentsOf, stockOfOne } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { cancelOrder, orderRequest, stockProduct } from '../context/actions.js';
import type { Scenario } from './scenario.js';

export const cancelled: Scenario = {
  number: 6,
  title: 'A confirmed order is cancelled: the payment is refunded, the stock is returned',
  async run(context, recorder) {
    const lamps = await stockProduct(context, { slug: 'lamp', price: money('USD', 6500), units: 10 });
    const onHand = async () => Number((await stockOfOne(context, lamps.sku)).onHand);
    recorder.info('Grace orders 4 lamps');
    const before = await onHand();
    const placed = await placeOrder(
      context,
      orderRequest(context, { customer: 'grace', items: [[lamps, 4]] }),
    );
    recorder.order('placed', placed);
    recorder.check('the order is CONFIRMED', outcomeOf(placed.value), 'CONFIRMED');
    const afterSale = await onHand();

    recorder.info('Grace cancels the order');
    const result = await cancelOrder(context, placed.value);
    recorder.order('cancelled', result);
    recorder.check('the order is CANCELLED', outcomeOf(result.value), 'CANCELLED');
    const afterCancellation = await onHand();
    recorder.note(
      `lamps in stock: ${before} before the order, ${afterSale} after the sale, ${afterCancellation} after the cancellation`,
    );
    recorder.check('the lamps are in stock again', [before, afterSale, afterCancellation], [10, 6, 10]);
    const payments = await paymentsOf(context, placed.value);
    const refunds = payments.map(
      ({ state, refundedAmount }) => `${PaymentState[state]} ${formatAmount(refundedAmount)}`,
    );
    recorder.check('the payment is refunded in full', refunds, ['REFUNDED 260.00 USD']);
    const refunded = payments.map(({ audit }) => formatAmount(audit?.refundedAmount));
    recorder.check('the gateway ledger contains the refund', refunded, ['260.00 USD']);
  },
};
