import { money } from '../../../pkg/money/index.js';
import { outcomeOf } from '../describe.js';
import { paymentsOf, stockOf } from '../lookups.js';
import { place } from '../persist.js';
import { adjustStock, orderRequest, stockProduct } from '../shop.js';
import type { Scenario } from './scenario.js';

export const outOfStock: Scenario = {
  number: 2,
  title: 'Something is out of stock',
  async play(world, story) {
    const cups = await stockProduct(world, { slug: 'cup', price: money('USD', 1200), units: 20 });
    const pots = await stockProduct(world, { slug: 'teapot', price: money('USD', 3900), units: 3 });
    const levels = async () => (await stockOf(world, [cups.sku, pots.sku])).map(({ available }) => available);

    story.say('Bob orders 2 cups and 5 teapots; there are 3 teapots');
    const request = orderRequest(world, {
      customer: 'bob',
      items: [
        [cups, 2],
        [pots, 5],
      ],
    });
    const refused = await place(world, request);
    story.order('placed', refused);
    story.expect('the order is REJECTED', outcomeOf(refused.value), 'REJECTED OUT_OF_STOCK');
    story.expect('it names what is short', refused.value.rejection?.skus, [pots.sku]);
    story.expect('nothing was charged', await paymentsOf(world, refused.value), []);
    story.expect('no cup was taken either: all or nothing', await levels(), [20n, 3n]);

    story.say('10 teapots are delivered; the old request is sent again, then a new one');
    await adjustStock(world, pots.sku, 10);
    const again = await place(world, request);
    story.order('the old request', again);
    story.expect('what was refused stays refused', again.value.orderId, refused.value.orderId);
    story.expect('and takes nothing', await levels(), [20n, 13n]);
    const anew = await place(world, { ...request, requestId: world.nextRequestId() });
    story.order('a new request', anew);
    story.expect('the new order is CONFIRMED', outcomeOf(anew.value), 'CONFIRMED');
    story.expect('and takes what it says', await levels(), [18n, 8n]);
  },
};
