import { money } from '../../../pkg/money/index.js';
import { outcomeOf } from '../output/format.js';
import { paymentsOf, stockOf } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { adjustStock, orderRequest, stockProduct } from '../context/actions.js';
import type { Scenario } from './scenario.js';

export const outOfStock: Scenario = {
  number: 2,
  title: 'A product is out of stock',
  async run(context, recorder) {
    const cups = await stockProduct(context, { slug: 'cup', price: money('USD', 1200), units: 20 });
    const pots = await stockProduct(context, { slug: 'teapot', price: money('USD', 3900), units: 3 });
    const levels = async () =>
      (await stockOf(context, [cups.sku, pots.sku])).map(({ available }) => available);

    recorder.info('Bob orders 2 cups and 5 teapots; there are 3 teapots');
    const request = orderRequest(context, {
      customer: 'bob',
      items: [
        [cups, 2],
        [pots, 5],
      ],
    });
    const rejected = await placeOrder(context, request);
    recorder.order('placed', rejected);
    recorder.check('the order is REJECTED', outcomeOf(rejected.value), 'REJECTED OUT_OF_STOCK');
    recorder.check('the rejection names the missing SKU', rejected.value.rejection?.skus, [pots.sku]);
    recorder.check('there is no payment', await paymentsOf(context, rejected.value), []);
    recorder.check('no cups and no teapots are reserved', await levels(), [20n, 3n]);

    recorder.info('10 teapots are delivered; the same request is repeated, then a new request is sent');
    await adjustStock(context, pots.sku, 10);
    const repeated = await placeOrder(context, request);
    recorder.order('the repeated request', repeated);
    recorder.check(
      'the repeated request returns the rejected order',
      repeated.value.orderId,
      rejected.value.orderId,
    );
    recorder.check('the repeated request reserves no stock', await levels(), [20n, 13n]);
    const confirmed = await placeOrder(context, { ...request, requestId: context.nextRequestId() });
    recorder.order('the new request', confirmed);
    recorder.check('the new order is CONFIRMED', outcomeOf(confirmed.value), 'CONFIRMED');
    recorder.check('the units of the new order are deducted from the stock', await levels(), [18n, 8n]);
  },
};
