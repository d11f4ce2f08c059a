import { expect } from 'chai';
import { inventoryService } from '../../../cmd/inventory-service/app.js';
import { paymentService } from '../../../cmd/payment-service/app.js';

const env = { DATABASE_URL: 'postgresql://localhost/test' };
/** The longest delay between the due time of a payment action and the answer of the saga. */
const slackMs = 60_000;

describe('the default lifetime of a reservation', () => {
  it('is longer than the time that a customer has to act', () => {
    const { reservationTtlMs } = inventoryService.configure(env);
    const { actionTimeoutMs } = paymentService.configure(env).gateway;
    expect(reservationTtlMs).to.be.greaterThan(actionTimeoutMs + slackMs);
  });
});
