import { money, toWire } from '../../../pkg/money/index.js';
import { formatPayment, formatStep, outcomeOf } from '../output/format.js';
import { formatAmount } from '../../audit/checks/amounts.js';
import { paymentsOf, stockOf, timelineOf } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { totalOf, orderRequest, stockProduct, type NewOrder } from '../context/actions.js';
import type { Recorder } from '../output/recorder.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import type { Scenario } from './scenario.js';

export const confirmed: Scenario = {
  number: 1,
  title: 'An order is confirmed',
  async run(context, recorder) {
    const espresso = await stockProduct(context, { slug: 'espresso', price: money('USD', 450), units: 100 });
    const grinder = await stockProduct(context, { slug: 'grinder', price: money('USD', 8999), units: 10 });
    const kettle = await stockProduct(context, { slug: 'kettle', price: money('JPY', 12_800), units: 10 });
    recorder.info('Alice orders 2 espressos, 1 grinder and 1 more espresso');
    const order = await placeAndCheck(context, recorder, {
      customer: 'alice',
      items: [
        [espresso, 2],
        [grinder, 1],
        [espresso, 1],
      ],
    });
    recorder.check(
      'items with the same SKU are combined into one order line',
      order.lines.map((line) => [line.sku, Number(line.quantity)]),
      [
        [espresso.sku, 3],
        [grinder.sku, 1],
      ],
    );
    const stock = await stockOf(context, [espresso.sku, grinder.sku]);
    recorder.check(
      'the units are deducted from the stock',
      stock.map(({ onHand, reserved }) => [onHand, reserved]),
      [
        [97n, 0n],
        [9n, 0n],
      ],
    );
    recorder.info('Akiko orders 2 kettles, in a currency without minor units');
    await placeAndCheck(context, recorder, { customer: 'akiko', items: [[kettle, 2]] });
  },
};

async function placeAndCheck(context: ScenarioContext, recorder: Recorder, newOrder: NewOrder) {
  const placed = await placeOrder(context, orderRequest(context, newOrder));
  const order = placed.value;
  recorder.order('placed', placed);
  const total = formatAmount(toWire(totalOf(newOrder)));
  recorder.check('the order is CONFIRMED', outcomeOf(order), 'CONFIRMED');
  recorder.check(`the total is ${total}`, formatAmount(order.total), total);
  const payments = await paymentsOf(context, order);
  recorder.check('the amount is captured once', payments.map(formatPayment), [`CAPTURED ${total}`]);
  const timeline = await timelineOf(context, order.orderId);
  const succeeded = timeline.map(formatStep).filter((step) => step.endsWith('SUCCEEDED'));
  recorder.check('the timeline contains every saga step', succeeded, everyStep);
  return order;
}

const everyStep = [
  'ACCEPT SUCCEEDED',
  'RESERVE_STOCK SUCCEEDED',
  'AUTHORIZE_PAYMENT SUCCEEDED',
  'COMMIT_STOCK SUCCEEDED',
  'CAPTURE_PAYMENT SUCCEEDED',
  'CONFIRM SUCCEEDED',
];
