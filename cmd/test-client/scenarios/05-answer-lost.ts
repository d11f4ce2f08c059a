import { money } from '../../../pkg/money/index.js';
import { showAmount } from '../amounts.js';
import { describeEntry, outcomeOf, stepOf } from '../describe.js';
import { paymentsOf, timelineOf } from '../lookups.js';
import { place } from '../persist.js';
import { orderRequest, stockProduct } from '../shop.js';
import type { Scenario } from './scenario.js';

export const answerLost: Scenario = {
  number: 5,
  title: 'The card is charged, but the answer is lost',
  async play(world, story) {
    const scale = await stockProduct(world, { slug: 'scale', price: money('USD', 2500), units: 5 });
    const paymentMethod = 'pm_answer_lost';
    story.say(`Frank orders a scale and pays with ${paymentMethod}`);
    const placed = await place(
      world,
      orderRequest(world, { customer: 'frank', items: [[scale, 1]], paymentMethod }),
    );
    story.order('placed', placed);
    story.expect('the order is CONFIRMED', outcomeOf(placed.value), 'CONFIRMED');

    const timeline = await timelineOf(world, placed.value.orderId);
    for (const entry of timeline) story.note(describeEntry(entry));
    const steps = timeline.map(stepOf);
    const doubt = steps.indexOf('AUTHORIZE_PAYMENT IN_DOUBT');
    const certainty = steps.indexOf('AUTHORIZE_PAYMENT SUCCEEDED');
    story.expect('the timeline tells of the doubt, then of its end', doubt > 0 && doubt < certainty, true);
    const payments = await paymentsOf(world, placed.value);
    const books = payments.map(({ audit }) => ({
      charges: audit?.authorizationCount,
      captures: audit?.captureCount,
      taken: showAmount(audit?.capturedAmount),
    }));
    for (const { charges, captures, taken } of books)
      story.note(`the gateway's books: ${charges} charge, ${captures} capture, ${taken} taken`);
    story.expect('the gateway charged once', books, [{ charges: 1, captures: 1, taken: '25.00 USD' }]);
  },
};
