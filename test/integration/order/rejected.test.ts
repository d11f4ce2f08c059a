import { expect } from 'chai';
import { aRefusal } from '../../../pkg/order/testing/builders.js';
import { failing, inSequence, refusing } from '../../../pkg/order/testing/faults.js';
import { useOrders } from '../../support/order/fixture.js';

describe('a rejected order', () => {
  const fixture = useOrders();

  it('has the SKUs that are out of stock, and needs no compensation', async () => {
    const skus = ['espresso', 'latte'];
    fixture.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus }));

    const order = await fixture.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'OUT_OF_STOCK', skus } });
    expect(fixture.ports.stepsOf(order.id)).to.deep.equal(['RESERVE_STOCK']);
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK refused',
      'REJECT → REJECTED',
    ]);
  });

  it('has the decline code and advice of a declined payment, and its stock is released', async () => {
    const rejection = {
      reason: 'PAYMENT_DECLINED',
      declineCode: 'INSUFFICIENT_FUNDS',
      declineAdvice: 'RETRY_LATER',
    } as const;
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', refusing(rejection, 'INSUFFICIENT_FUNDS'));

    const order = await fixture.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection });
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT refused',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
    const timeline = await fixture.orders.getTimeline(order.id, '');
    expect(timeline[2]).to.include({ outcome: 'REFUSED', detail: 'INSUFFICIENT_FUNDS' });
  });

  it('has a voided payment when the commit of an expired reservation is refused', async () => {
    fixture.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));

    const order = await fixture.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'RESERVATION_EXPIRED' } });
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('has a voided payment and returned stock when the capture is refused', async () => {
    fixture.ports.faults.set('CAPTURE_PAYMENT', refusing({ reason: 'STEP_REFUSED' }, 'PAYMENT_VOIDED'));

    const order = await fixture.create();

    expect(order).to.deep.include({ state: 'REJECTED', rejection: { reason: 'STEP_REFUSED' } });
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
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

  it('has a refunded payment when the void is refused, and keeps the first rejection reason', async () => {
    fixture.ports.faults.set('COMMIT_STOCK', async (order) => {
      fixture.ports.ledgerOf(order.id).captured = true;
      return aRefusal({ reason: 'RESERVATION_EXPIRED' });
    });

    const order = await fixture.create();

    expect(order.rejection).to.deep.equal({ reason: 'RESERVATION_EXPIRED' });
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
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

  it('stays PENDING until its compensation ends', async () => {
    const unavailable = failing(new Error('unavailable'));
    const observedStates: string[] = [];
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', refusing({ reason: 'PAYMENT_DECLINED' }));
    fixture.ports.faults.set(
      'RELEASE_STOCK',
      inSequence(unavailable, unavailable, async ({ id }) => {
        observedStates.push((await fixture.orders.getOrder(id, '')).state);
        return undefined;
      }),
    );

    const order = await fixture.create();

    expect(observedStates).to.deep.equal(['PENDING']);
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal([
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
