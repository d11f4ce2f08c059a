import { expect } from 'chai';
import { RejectionReason, SagaStep } from '../../../pkg/pb/order/v1/order.js';
import { entryToWire, orderToWire } from '../../../pkg/order/grpc-wire.js';
import type { OperatorAction, Rejection } from '../../../pkg/order/domain.js';
import { money } from '../../../pkg/money/index.js';
import { refusing } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';

const readRejection = sql('test.read_rejection', 'select rejection from orders where id = $id');
const readSteps = sql('test.read_steps', 'select step from order_timeline where order_id = $id');
const storeRejection = sql(
  'test.store_rejection',
  'update orders set rejection = $rejection::jsonb where id = $id',
);
const storeActions = sql(
  'test.store_actions',
  `update order_timeline set action = 'PAUSE_ORDER' where order_id = $id and step = 'CONFIRM'`,
);
const block = sql(
  'test.block_refund',
  `update orders set state = 'CANCELLING', step = 'REFUND_PAYMENT', blocked_reason = 'REFUND_DECLINED',
     blocked_since = now() where id = $id`,
);

/** The values that the earlier version reads. A call that returns another value fails there. */
const readable = {
  reasons: ['OUT_OF_STOCK', 'PAYMENT_DECLINED', 'RESERVATION_EXPIRED', 'STEP_REFUSED'],
  steps: [
    'ACCEPT',
    'RESERVE_STOCK',
    'AUTHORIZE_PAYMENT',
    'COMMIT_STOCK',
    'CAPTURE_PAYMENT',
    'CONFIRM',
    'REQUEST_CANCELLATION',
    'VOID_PAYMENT',
    'REFUND_PAYMENT',
    'RELEASE_STOCK',
    'REJECT',
    'CANCEL',
  ],
} as const;

const decline = { declineCode: 'DO_NOT_HONOR', declineAdvice: 'DO_NOT_RETRY' };

describe('the stored values of an order', () => {
  const fixture = useOrders();

  const storedRejection = async (id: string) => {
    const [row] = await fixture.database.db.query<{ rejection: Record<string, string> }>(
      readRejection({ id }),
    );
    return row?.rejection;
  };

  const rejections: readonly Rejection[] = [
    { reason: 'OUT_OF_STOCK', skus: ['espresso'] },
    { reason: 'PAYMENT_DECLINED', ...decline },
    { reason: 'RESERVATION_EXPIRED' },
    { reason: 'STEP_REFUSED' },
    { reason: 'AUTHORIZATION_EXPIRED' },
    { reason: 'CAPTURE_DECLINED', ...decline },
    { reason: 'PAYMENT_ACTION_EXPIRED' },
  ];
  for (const rejection of rejections)
    it(`have a reason that the earlier version reads (${rejection.reason})`, async () => {
      fixture.ports.faults.set('CAPTURE_PAYMENT', refusing(rejection));

      const { id } = await fixture.create();

      expect(readable.reasons).to.include((await storedRejection(id))?.['reason']);
      const order = await fixture.orders.getOrder(id, '');
      expect(order.rejection).to.deep.equal(rejection);
      expect(orderToWire(order).rejection?.reason).to.equal(RejectionReason[rejection.reason]);
    });

  it('have a decline code beside the reason that the earlier version reads', async () => {
    fixture.ports.faults.set('CAPTURE_PAYMENT', refusing({ reason: 'CAPTURE_DECLINED', ...decline }));
    const { id } = await fixture.create();
    expect(await storedRejection(id)).to.include({ reason: 'PAYMENT_DECLINED', ...decline });
  });

  const others = {
    'that only a later version knows': { reason: 'PAYMENT_DECLINED', exactReason: 'CARD_EATEN' },
    'that was stored without another reason': { reason: 'CAPTURE_DECLINED' },
  };
  for (const [label, rejection] of Object.entries(others))
    it(`may have a reason ${label}`, async () => {
      fixture.ports.faults.set('CAPTURE_PAYMENT', refusing({ reason: 'STEP_REFUSED' }));
      const { id } = await fixture.create();
      await fixture.database.db.query(storeRejection({ id, rejection: JSON.stringify(rejection) }));
      const order = await fixture.orders.getOrder(id, '');
      expect(order.rejection).to.deep.equal({ reason: rejection.reason });
    });

  const operate: Record<string, (action: OperatorAction) => Promise<unknown>> = {
    REFUND_ORDER: (action) =>
      fixture.orders.operators.refundOrder({ ...action, requestId: uuidv7(), amount: money('USD', 1n) }, {}),
    RETRY_ORDER: async (action) => {
      await fixture.database.db.query(block({ id: action.orderId }));
      await fixture.orders.operators.retryOrder(action);
    },
    RESOLVE_ORDER: async (action) => {
      await fixture.database.db.query(block({ id: action.orderId }));
      await fixture.orders.operators.resolveOrder(action);
    },
  };
  for (const [step, act] of Object.entries(operate))
    it(`have timeline steps that the earlier version reads (${step})`, async () => {
      const { id } = await fixture.create();

      await act({ orderId: id, actor: 'grace', reason: 'bank transfer' });

      const rows = await fixture.database.db.query<{ step: string }>(readSteps({ id }));
      for (const row of rows) expect(readable.steps).to.include(row.step);
      const timeline = await fixture.orders.getTimeline(id, '');
      const acted = timeline.find(({ actor }) => actor === 'grace');
      expect(acted?.step).to.equal(step);
      expect(acted && SagaStep[entryToWire(acted).step]).to.equal(step);
    });

  it('may have a timeline action that only a later version knows', async () => {
    const { id } = await fixture.create();
    await fixture.database.db.query(storeActions({ id }));
    expect((await fixture.orders.getTimeline(id, '')).at(-1)?.step).to.equal('CONFIRM');
  });
});
