import { money } from '../../../pkg/money/index.js';
import { formatStep, formatTimelineEntry, outcomeOf } from '../output/format.js';
import { formatAmount } from '../../audit/checks/amounts.js';
import { paymentsOf, timelineOf } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { orderRequest, stockProduct } from '../context/actions.js';
import type { Scenario } from './scenario.js';

export const responseLost: Scenario = {
  number: 5,
  title: 'The card is charged, but the response of the gateway is lost',
  async run(context, recorder) {
    const scale = await stockProduct(context, { slug: 'scale', price: money('USD', 2500), units: 5 });
    const paymentMethod = 'pm_answer_lost';
    recorder.info(`Frank orders a scale and pays with ${paymentMethod}`);
    const placed = await placeOrder(
      context,
      orderRequest(context, { customer: 'frank', items: [[scale, 1]], paymentMethod }),
    );
    recorder.order('placed', placed);
    recorder.check('the order is CONFIRMED', outcomeOf(placed.value), 'CONFIRMED');

    const timeline = await timelineOf(context, placed.value.orderId);
    for (const entry of timeline) recorder.note(formatTimelineEntry(entry));
    const steps = timeline.map(formatStep);
    const inDoubt = steps.indexOf('AUTHORIZE_PAYMENT IN_DOUBT');
    const succeeded = steps.indexOf('AUTHORIZE_PAYMENT SUCCEEDED');
    recorder.check(
      'the timeline shows the step IN_DOUBT, then SUCCEEDED',
      inDoubt > 0 && inDoubt < succeeded,
      true,
    );
    const payments = await paymentsOf(context, placed.value);
    const ledger = payments.map(({ audit }) => ({
      authorizations: audit?.authorizationCount,
      captures: audit?.captureCount,
      captured: formatAmount(audit?.capturedAmount),
    }));
    for (const { authorizations, captures, captured } of ledger)
      recorder.note(
        `gateway ledger: ${authorizations} authorization, ${captures} capture, ${captured} captured`,
      );
    recorder.check('the gateway charged once', ledger, [
      { authorizations: 1, captures: 1, captured: '25.00 USD' },
    ]);
  },
};
