import { money } from '../../../pkg/money/index.js';
import { describePayment } from '../describe.js';
import { listOrders, paymentsOf, stockOfOne } from '../lookups.js';
import { place } from '../persist.js';
import { orderRequest, stockProduct, tryPlace } from '../shop.js';
import type { Scenario } from './scenario.js';

const impatience = 10;

export const repeated: Scenario = {
  number: 4,
  title: 'The same request_id is sent again, and with another body',
  async play(world, story) {
    const beans = await stockProduct(world, { slug: 'beans', price: money('USD', 1600), units: 50 });
    const request = orderRequest(world, { customer: 'dave', items: [[beans, 1]] });
    story.say(`Dave orders once, but presses the button ${impatience} times at once`);
    const presses = await Promise.all(Array.from({ length: impatience }, () => place(world, request)));
    const [first] = presses;
    if (first) story.order('every press', first);
    const ids = new Set(presses.map(({ value }) => value.orderId));
    story.expect('every answer is the same order', ids.size, 1);

    story.say('later the request is sent once more');
    const later = await place(world, request);
    story.order('sent again', later);
    story.expect('it is still that order', ids.has(later.value.orderId), true);
    const payments = await paymentsOf(world, later.value);
    story.expect('he was charged once', payments.map(describePayment), ['CAPTURED 16.00 USD']);
    story.expect('one unit left the shelf', (await stockOfOne(world, beans.sku)).onHand, 49n);

    story.say('the same request_id, now for 2 units');
    const changed = await tryPlace(world, { ...request, items: [{ sku: beans.sku, quantity: 2n }] });
    story.answered(`refused: ${changed.error?.message ?? 'no'}`, changed);
    story.expect('it is refused', changed.error?.reason, 'REQUEST_ID_REUSED');
    const orders = await listOrders(world, request.customerId);
    story.expect('Dave has one order', orders.length, 1);

    story.say('Erin happens to use the same request_id');
    const other = await place(world, { ...request, customerId: world.name('erin') });
    story.order('placed', other);
    story.expect('hers is an order of its own', ids.has(other.value.orderId), false);
  },
};
