import { expect } from 'chai';
import { anOrder, aRejectedOrder, usd } from '../../cmd/test-client/testing/facts.js';
import { CreateOrderRequest, OrderState, type Order } from '../../pkg/pb/order/v1/order.js';
import { historyChecks, type HistoryFacts } from './check-history.js';
import type { Call, Result } from './history.js';
import type { OrderKind } from './kinds.js';

const kind: OrderKind = { name: 'approved', weight: 1, paymentMethod: 'pm_approve' };
const espresso = [{ sku: 'espresso', quantity: 1n }];
const ok = (order: Order): Result<Order> => ({ outcome: 'ok', value: order });
const failed: Result<Order> = { outcome: 'failed', reason: 'OVERLOADED' };
const unknown: Result<Order> = { outcome: 'unknown', reason: 'DEADLINE_EXCEEDED' };
const cancelled = anOrder({ state: OrderState.CANCELLED, revision: 5 });
const refunded = anOrder({ refundedAmount: usd(100) });
const blocked = anOrder({ state: OrderState.CANCELLING, revision: 4, blockedReason: 'REFUND_DECLINED' });

const declining = new Map([['request-1', { kind: { ...kind, declinesRefunds: true } }]]);

function creation(result: Result<Order>, items = espresso): Call {
  const request = CreateOrderRequest.fromPartial({ requestId: 'request-1', customerId: 'alice', items });
  return { method: 'CreateOrder', key: 'request-1', request, result };
}

function cancellation(result: Result<Order>): Call {
  return { method: 'CancelOrder', key: 'request-2', request: { orderId: 'order-1' }, result };
}

function resolution(result: Result<Order>): Call {
  return { method: 'ResolveOrder', key: 'action 1', request: { orderId: 'order-1' }, result };
}

function refund(result: Result<Order>): Call {
  const request = { requestId: 'request-3', orderId: 'order-1', amount: usd(100) };
  return { method: 'RefundOrder', key: 'request-3', request, result };
}

function violations(facts: Partial<HistoryFacts>): string[] {
  const placed = new Map([['request-1', { kind }]]);
  return historyChecks.flatMap(({ check }) => check({ calls: [], orders: [anOrder()], placed, ...facts }));
}

describe('checks of the history', () => {
  const valid: readonly (readonly [string, Partial<HistoryFacts>])[] = [
    ['an answer and its order', { calls: [creation(ok(anOrder()))] }],
    ['an order whose answer is unknown', { calls: [creation(unknown), creation(failed)] }],
    ['a refund', { calls: [refund(ok(refunded)), refund(ok(refunded))], orders: [refunded] }],
    ['a refund in doubt', { calls: [refund(unknown)], orders: [refunded] }],
    ['a request in doubt without an order', { calls: [creation(unknown)], orders: [] }],
    ['a failed request without an order', { calls: [creation(failed)], orders: [] }],
    ['a cancelled order', { calls: [cancellation(ok(cancelled))], orders: [cancelled] }],
    [
      'a cancellation that a declined refund blocks',
      {
        calls: [cancellation(ok(blocked))],
        orders: [blocked],
        placed: declining,
      },
    ],
    [
      'a resolved order',
      { calls: [cancellation(ok(blocked)), resolution(failed), resolution(unknown)], orders: [cancelled] },
    ],
  ];
  for (const [title, facts] of valid)
    it(`accept ${title}`, () => {
      expect(violations(facts)).to.deep.equal([]);
    });

  const invalid: readonly (readonly [string, Partial<HistoryFacts>, string])[] = [
    ['a lost order', { calls: [creation(ok(anOrder()))], orders: [] }, 'has disappeared'],
    [
      'another content',
      { calls: [creation(ok(anOrder()), [{ sku: 'tea', quantity: 1n }])] },
      'another content',
    ],
    [
      'two orders for a request',
      { calls: [creation(ok(anOrder())), creation(ok(anOrder({ orderId: 'order-2' })))] },
      'orders order-1, order-2',
    ],
    ['an effect of a failed request', { calls: [creation(failed)] }, 'failed and has an order'],
    [
      'an effect of a failed cancellation',
      { calls: [cancellation(failed)], orders: [cancelled] },
      'every cancellation',
    ],
    [
      'a cancellation without an effect',
      { calls: [cancellation(ok(cancelled))] },
      'order order-1 is CONFIRMED',
    ],
    [
      'a block without a declined refund',
      { calls: [cancellation(ok(blocked))], orders: [blocked] },
      'is CANCELLING',
    ],
    [
      'a changed terminal state',
      { calls: [creation(ok(aRejectedOrder()))] },
      'was REJECTED and is CONFIRMED',
    ],
    ['a revision that decreases', { calls: [creation(ok(anOrder({ revision: 3 })))] }, 'was CONFIRMED'],
    ['a cancellation without a request', { orders: [cancelled] }, 'every cancellation'],
    [
      'a resolution without an effect',
      { calls: [resolution(ok(cancelled))], orders: [blocked], placed: declining },
      '1 resolutions, CANCELLING',
    ],
    [
      'an effect of a failed resolution',
      { calls: [cancellation(ok(blocked)), resolution(failed)], orders: [cancelled] },
      '1 resolutions, CANCELLED',
    ],
    [
      'a block that ends without a resolution',
      { calls: [cancellation(ok(blocked))], orders: [cancelled] },
      '0 resolutions, CANCELLED',
    ],
    ['a lost refund', { calls: [refund(ok(refunded))] }, 'refunded 0 minor units'],
    [
      'a lost refund of a cancelled order',
      { calls: [refund(ok(refunded)), cancellation(ok(cancelled))], orders: [cancelled] },
      'refunded 0 minor units',
    ],
    ['a refund without a request', { orders: [refunded] }, 'refunded 100 minor units'],
    ['a block of another kind', { orders: [blocked] }, '(approved): CANCELLING REFUND_DECLINED'],
    ['an order of an invalid request', { placed: new Map() }, '(invalid): CONFIRMED'],
    ['an impossible outcome', { orders: [aRejectedOrder()] }, 'REJECTED OUT_OF_STOCK'],
  ];
  for (const [title, facts, violation] of invalid)
    it(`report ${title}`, () => {
      expect(violations(facts).join('\n')).to.include(violation);
    });
});
