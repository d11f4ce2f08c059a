import { expect } from 'chai';
import { failing, inTurn, refusing } from '../../pkg/order/testing/faults.js';
import { useOrders } from './order-bench.js';

describe('an order that cannot be filled', () => {
  const bench = useOrders();

  it('is rejected with the SKUs that are short, and nothing is compensated', async () => {
    const skus = ['espresso', 'latte'];
    bench.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus }));

    const order = await bench.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'OUT_OF_STOCK', skus } });
    expect(bench.ports.stepsOf(order.id)).to.deep.equal(['RESERVE_STOCK']);
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK refused',
      'REJECT → REJECTED',
    ]);
  });

  it('gives the stock back when the payment is declined, and says why', async () => {
    const rejection = {
      reason: 'PAYMENT_DECLINED',
      declineCode: 'INSUFFICIENT_FUNDS',
      declineAdvice: 'RETRY_LATER',
    } as const;
    bench.ports.faults.set('AUTHORIZE_PAYMENT', refusing(rejection, 'INSUFFICIENT_FUNDS'));

    const order = await bench.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection });
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT refused',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
    const timeline = await bench.orders.getTimeline(order.id, '');
    expect(timeline[2]).to.include({ outcome: 'REFUSED', detail: 'INSUFFICIENT_FUNDS' });
  });

  it('voids the payment when the reservation has expired and its stock is gone', async () => {
    bench.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));

    const order = await bench.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'RESERVATION_EXPIRED' } });
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('returns the stock when the capture is refused', async () => {
    bench.ports.faults.set('CAPTURE_PAYMENT', refusing({ reason: 'STEP_REFUSED' }, 'PAYMENT_VOIDED'));

    const order = await bench.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'STEP_REFUSED' } });
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('refunds when the money turns out to be taken, and keeps the first reason', async () => {
    bench.ports.faults.set('COMMIT_STOCK', async (order) => {
      bench.ports.booksOf(order.id).captured = true;
      return { kind: 'refused', rejection: { reason: 'RESERVATION_EXPIRED' }, detail: 'RESERVATION_EXPIRED' };
    });

    const order = await bench.create();

    expect(order.rejection).to.deep.equal({ reason: 'RESERVATION_EXPIRED' });
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK refused',
      'VOID_PAYMENT refused',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('shows no end before its compensation is done', async () => {
    const unavailable = failing(new Error('away'));
    const seen: string[] = [];
    bench.ports.faults.set('AUTHORIZE_PAYMENT', refusing({ reason: 'PAYMENT_DECLINED' }));
    bench.ports.faults.set(
      'RELEASE_STOCK',
      inTurn(unavailable, unavailable, async ({ id }) => {
        seen.push((await bench.orders.getOrder(id, '')).state);
        return undefined;
      }),
    );

    const order = await bench.create();

    expect(seen).to.deep.equal(['PENDING']);
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT refused',
      'RELEASE_STOCK in doubt',
      'RELEASE_STOCK in doubt #2',
      'RELEASE_STOCK #3',
      'REJECT → REJECTED',
    ]);
  });
});
