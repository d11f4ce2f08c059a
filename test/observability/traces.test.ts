import { expect } from 'chai';
import { drawTree, rootsOf, type Trace } from '../lab/stack/jaeger.js';
import { callTree, confirmedOrder, declinedOrder, isStatement, serverSpan } from './order-trace.js';
import { buy, type Placed } from './orders.js';
import { theTestClientRun } from './test-client-run.js';
import { forTraces, needs, running } from './running.js';

function traceOf({ traceId }: Placed, whole: string): Promise<Trace> {
  return running('jaeger').wholeTrace(
    traceId,
    'span of every call of the order',
    (trace) => callTree(trace) === whole,
  );
}

describe('The trace of a confirmed order', () => {
  needs(...forTraces);
  let placed: Placed;
  let trace: Trace;

  before(async () => {
    placed = await buy({ units: 3 });
    trace = await traceOf(placed, confirmedOrder);
  });

  it('has every call below its caller, and the SQL statements of each service below the server span of the service', () => {
    expect(callTree(trace)).to.equal(confirmedOrder);
    const statements = trace.spans.filter(isStatement);
    for (const { service, parentId } of statements) {
      const parent = trace.spans.find(({ id }) => id === parentId);
      expect([parent?.kind, parent?.service]).to.deep.equal(['server', service]);
    }
  });

  it('has the order, its state and its amount', () => {
    const { order } = placed;
    const { attributes } = serverSpan(trace, 'CreateOrder');
    expect(attributes).to.include({
      'order.id': order.orderId,
      'order.state': 'CONFIRMED',
      'order.total_minor': 1350,
      'order.currency': 'USD',
      'inventory.reservation_id': order.reservationId,
      'payment.id': order.paymentId,
    });
    expect(serverSpan(trace, 'CapturePayment').attributes).to.include({
      'payment.id': order.paymentId,
      'payment.amount_minor': 1350,
      'payment.currency': 'USD',
    });
  });

  it('holds no error and no payment method', () => {
    expect(trace.spans.filter(({ isError }) => isError)).to.deep.equal([]);
    expect(trace.text).to.not.include('pm_');
  });

  it('is found by the id of the order', async () => {
    const found = await running('jaeger').search('order-service', { 'order.id': placed.order.orderId });
    expect(found.map(({ id }) => id)).to.include(placed.traceId);
  });
});

describe('The trace of a declined order', () => {
  needs(...forTraces);
  let trace: Trace;

  before(async () => {
    const placed = await buy({ paymentMethod: 'pm_decline_insufficient_funds' });
    trace = await traceOf(placed, declinedOrder);
  });

  it('has no error, because a decline is a valid response of the payment service', () => {
    expect(trace.spans.filter(({ isError }) => isError)).to.deep.equal([]);
  });

  it('has the reason of the decline', () => {
    expect(serverSpan(trace, 'CreateOrder').attributes['order.state']).to.equal('REJECTED');
    expect(serverSpan(trace, 'AuthorizePayment').attributes['payment.decline_code']).to.equal(
      'INSUFFICIENT_FUNDS',
    );
  });

  it('holds no payment method', () => {
    expect(trace.text).to.not.include('pm_');
  });
});

describe('The traces of test-client', () => {
  needs(...forTraces);

  it('start with a client span of test-client', async function () {
    this.timeout(120_000);
    const { confirmed } = await theTestClientRun();
    const isWhole = (trace: Trace): boolean => callTree(trace).startsWith('test-client client');
    const trace = await running('jaeger').wholeTrace(confirmed.traceId, 'span of test-client', isWhole);
    const indented = confirmedOrder.replaceAll(/^/gm, '  ');
    expect(rootsOf(trace), drawTree(trace)).to.have.length(1);
    expect(callTree(trace)).to.include(indented);
  });
});
