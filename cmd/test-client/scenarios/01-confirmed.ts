import { money, toWire } from '../../../pkg/money/index.js';
import { showAmount } from '../amounts.js';
import { describePayment, outcomeOf, stepOf } from '../describe.js';
import { paymentsOf, stockOf, timelineOf } from '../lookups.js';
import { place } from '../persist.js';
import { costOf, orderRequest, stockProduct, type Wish } from '../shop.js';
import type { Story } from '../story.js';
import type { World } from '../world.js';
import type { Scenario } from './scenario.js';

export const confirmed: Scenario = {
  number: 1,
  title: 'An order is confirmed',
  async play(world, story) {
    const espresso = await stockProduct(world, { slug: 'espresso', price: money('USD', 450), units: 100 });
    const grinder = await stockProduct(world, { slug: 'grinder', price: money('USD', 8999), units: 10 });
    const kettle = await stockProduct(world, { slug: 'kettle', price: money('JPY', 12_800), units: 10 });
    story.say('Alice orders 2 espresso, 1 grinder and, on second thought, 1 more espresso');
    const order = await buy(world, story, {
      customer: 'alice',
      items: [
        [espresso, 2],
        [grinder, 1],
        [espresso, 1],
      ],
    });
    story.expect(
      'equal SKUs became one line',
      order.lines.map((line) => [line.sku, Number(line.quantity)]),
      [
        [espresso.sku, 3],
        [grinder.sku, 1],
      ],
    );
    const stock = await stockOf(world, [espresso.sku, grinder.sku]);
    story.expect(
      'the units have left the shelf',
      stock.map(({ onHand, reserved }) => [onHand, reserved]),
      [
        [97n, 0n],
        [9n, 0n],
      ],
    );
    story.say('Akiko orders 2 kettles, in a currency without cents');
    await buy(world, story, { customer: 'akiko', items: [[kettle, 2]] });
  },
};

async function buy(world: World, story: Story, wish: Wish) {
  const placed = await place(world, orderRequest(world, wish));
  const order = placed.value;
  story.order('placed', placed);
  const total = showAmount(toWire(costOf(wish)));
  story.expect('the order is CONFIRMED', outcomeOf(order), 'CONFIRMED');
  story.expect(`its total is ${total}`, showAmount(order.total), total);
  const payments = await paymentsOf(world, order);
  story.expect('the money was taken once', payments.map(describePayment), [`CAPTURED ${total}`]);
  const timeline = await timelineOf(world, order.orderId);
  const done = timeline.map(stepOf).filter((step) => step.endsWith('SUCCEEDED'));
  story.expect('its timeline tells every step', done, everyStep);
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
