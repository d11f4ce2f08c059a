import { money } from '../../../pkg/money/index.js';
import { formatPayment } from '../output/format.js';
import { listOrders, paymentsOf, stockOfOne } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { orderRequest, stockProduct, tryPlaceOrder } from '../context/actions.js';
import type { Scenario } from './scenario.js';

const attempts = 10;

export const repeated: Scenario = {
  number: 4,
  title: 'A request_id is repeated, with the same and with another body',
  async run(context, recorder) {
    const beans = await stockProduct(context, { slug: 'beans', price: money('USD', 1600), units: 50 });
    const request = orderRequest(context, { customer: 'dave', items: [[beans, 1]] });
    recorder.info(`Dave sends the same order ${attempts} times at once`);
    const results = await Promise.all(Array.from({ length: attempts }, () => placeOrder(context, request)));
    const [first] = results;
    if (first) recorder.order('every attempt', first);
    const ids = new Set(results.map(({ value }) => value.orderId));
    recorder.check('every response contains the same order', ids.size, 1);

    recorder.info('Dave repeats the request once more');
    const later = await placeOrder(context, request);
    recorder.order('repeated', later);
    recorder.check('the repeated request returns the same order', ids.has(later.value.orderId), true);
    const payments = await paymentsOf(context, later.value);
    recorder.check('Dave is charged once', payments.map(formatPayment), ['CAPTURED 16.00 USD']);
    recorder.check('one unit is deducted from the stock', (await stockOfOne(context, beans.sku)).onHand, 49n);

    recorder.info('Dave sends the same request_id with 2 units');
    const changed = await tryPlaceOrder(context, { ...request, items: [{ sku: beans.sku, quantity: 2n }] });
    recorder.call(changed.error ? `rejected: ${changed.error.message}` : 'accepted', changed);
    recorder.check('the changed request is rejected', changed.error?.reason, 'REQUEST_ID_REUSED');
    const orders = await listOrders(context, request.customerId);
    recorder.check('Dave has one order', orders.length, 1);

    recorder.info('Erin uses the same request_id');
    const separate = await placeOrder(context, { ...request, customerId: context.name('erin') });
    recorder.order('placed', separate);
    recorder.check('Erin has a separate order', ids.has(separate.value.orderId), false);
  },
};
