import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { waitFor } from '../../support/wait-for.js';
import { inTrace, recentSpans } from '../../support/rpc/span-recorder.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';

const call = {
  create: 'grpc.order.v1.OrderService/CreateOrder',
  price: 'grpc.catalog.v1.CatalogService/BatchGetProducts',
  reserve: 'grpc.inventory.v1.InventoryService/ReserveStock',
  authorize: 'grpc.payment.v1.PaymentService/AuthorizePayment',
  commit: 'grpc.inventory.v1.InventoryService/CommitReservation',
  capture: 'grpc.payment.v1.PaymentService/CapturePayment',
  release: 'grpc.inventory.v1.InventoryService/ReleaseReservation',
};

describe('order trace', () => {
  let system: System;

  before(async () => {
    system = await startSystem({
      env: { PAYMENT_SLOW_DELAY: '1500ms', SAGA_STEP_TIMEOUT: '30s', PRICE_CACHE_MAX_AGE: '0ms' },
    });
    for (const sku of ['mug', 'rare']) await system.stock({ sku, quantity: sku === 'mug' ? 100n : 1n });
  });
  after(() => system.close());

  interface Purchase {
    readonly sku?: string;
    readonly quantity?: bigint;
    readonly paymentMethod?: string;
    readonly signal?: AbortSignal;
  }

  /** Places an order in a new trace. After the server span `last` has ended, returns the order and the spans of the trace. */
  const buy = async (purchase: Purchase, last: string) => {
    const { sku = 'mug', quantity = 1n, paymentMethod = 'pm_approve', signal } = purchase;
    const items = [{ sku, quantity }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    const { traceId, result } = await inTrace(() =>
      system.order.createOrder(request, signal ? { signal } : {}).catch((error: unknown) => {
        if (!signal?.aborted) throw error;
        return { order: undefined };
      }),
    );
    const spans = (): ReadableSpan[] =>
      recentSpans().filter((span) => span.spanContext().traceId === traceId);
    await waitFor(
      () => spans().some((span) => isServer(span) && span.name === last),
      `server span of ${last}`,
    );
    await waitFor(() => hasAllParents(spans()), 'trace with all parent spans');
    return { order: result.order, spans: spans() };
  };

  it('has the client span and the server span of each step when steps of concurrent orders are sent in batches', async () => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => buy({}, call.create)));
    for (const { order, spans } of orders) {
      expect(order?.state).to.equal(OrderState.CONFIRMED);
      for (const name of [call.reserve, call.authorize, call.commit, call.capture])
        expect(
          treeOf(
            spans,
            spans.find((span) => isServer(span) && span.name === call.create),
          ),
        ).to.include.members([`  CLIENT ${name}`, `    SERVER ${name}`]);
    }
    const items = orders.flatMap(({ spans }) =>
      spans.filter(({ instrumentationScope: { name } }) => name === 'rpc'),
    );
    expect(items).not.to.deep.equal([]);
  });

  it('is one tree with the spans of four services and their databases', async () => {
    const { order, spans } = await buy({}, call.create);

    expect(order?.state).to.equal(OrderState.CONFIRMED);
    const root = spans.find((span) => span.parentSpanContext === undefined);
    const tree = treeOf(spans, root);
    expect(tree).to.deep.equal([
      'test',
      `  CLIENT ${call.create}`,
      `    SERVER ${call.create}`,
      `      CLIENT ${call.price}`,
      `        SERVER ${call.price}`,
      '          CLIENT EXECUTE catalog.find_products',
      '      CLIENT EXECUTE order.accept',
      `      CLIENT ${call.reserve}`,
      `        SERVER ${call.reserve}`,
      '          CLIENT EXECUTE inventory.reserve_stock',
      `      CLIENT ${call.authorize}`,
      `        SERVER ${call.authorize}`,
      '          CLIENT EXECUTE intent.insert',
      '          CLIENT EXECUTE gateway.decide',
      '          CLIENT EXECUTE intent.record_answer',
      `      CLIENT ${call.commit}`,
      `        SERVER ${call.commit}`,
      '          CLIENT EXECUTE inventory.settle_reservations',
      `      CLIENT ${call.capture}`,
      `        SERVER ${call.capture}`,
      '          CLIENT EXECUTE payment.find',
      '          CLIENT EXECUTE gateway.capture',
      '          CLIENT EXECUTE payment.capture',
      '      CLIENT EXECUTE saga.record',
    ]);
  });

  it('shows that each service uses its own database only', async () => {
    const { spans } = await buy({}, call.create);

    const statements = spans.filter(({ name }) => name.startsWith('EXECUTE'));
    const uses = statements.map((statement) => {
      const caller = spans.find((candidate) => idOf(candidate) === parentOf(statement));
      return [String(caller?.attributes['rpc.service']), String(statement.attributes['db.namespace'])];
    });
    const distinct = (values: readonly unknown[]): number => new Set(values).size;
    expect(distinct(uses.map(([service]) => service))).to.equal(4);
    expect(distinct(uses.map(([, database]) => database))).to.equal(4);
    expect(distinct(uses.map(String))).to.equal(4);
  });

  it('has the names of statements, but neither their text nor their values', async () => {
    const { spans } = await buy({}, call.create);

    const statement = spans.find(({ name }) => name === 'EXECUTE order.accept');
    expect(statement?.kind).to.equal(SpanKind.CLIENT);
    expect(statement?.attributes).to.deep.include({
      'db.system.name': 'postgresql',
      'db.operation.name': 'EXECUTE',
      'db.query.summary': 'EXECUTE order.accept',
    });
    expect(statement?.attributes).not.to.have.any.keys('db.query.text', 'db.postgresql.values');
  });

  it('has no errors when the card is declined', async () => {
    const { order, spans } = await buy({ paymentMethod: 'pm_decline_card_expired' }, call.create);

    expect(order?.state).to.equal(OrderState.REJECTED);
    expect(errorsIn(spans)).to.deep.equal([]);
    expect(spans.map(({ name }) => name)).to.include(call.release);
  });

  it('has no errors when stock is insufficient', async () => {
    const { order, spans } = await buy({ sku: 'rare', quantity: 2n }, call.create);

    expect(order?.state).to.equal(OrderState.REJECTED);
    expect(errorsIn(spans)).to.deep.equal([]);
  });

  it('continues after its caller has cancelled', async () => {
    const cancel = new AbortController();
    const accepted = (): number => recentSpans().filter(({ name }) => name === 'EXECUTE order.accept').length;
    const before = accepted();
    const buying = buy({ paymentMethod: 'pm_slow', signal: cancel.signal }, call.capture);
    await waitFor(() => accepted() > before, 'accepted order');
    cancel.abort();
    const { spans } = await buying;

    const created = spans.find((span) => isServer(span) && span.name === call.create);
    const captures = spans.filter((span) => span.kind === SpanKind.CLIENT && span.name === call.capture);
    expect(captures.map(parentOf)).to.deep.equal([created?.spanContext().spanId]);
    expect(isLater(captures[0]?.startTime, created?.endTime)).to.equal(true);
  });

  it('has no payment method and no password in any part of a span', async () => {
    const paymentMethod = 'pm_decline_do_not_honor';
    await buy({ paymentMethod }, call.create);

    for (const span of recentSpans()) {
      const { name, attributes, events, links, status, resource, instrumentationScope } = span;
      const text = JSON.stringify([
        name,
        attributes,
        events,
        links,
        status,
        resource.attributes,
        instrumentationScope,
      ]);
      expect(text).not.to.match(/pm_(approve|decline|slow)/);
      expect(text).not.to.match(/password|postgres:\/\//);
    }
  });
});

function isServer({ kind }: ReadableSpan): boolean {
  return kind === SpanKind.SERVER;
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

function hasAllParents(spans: readonly ReadableSpan[]): boolean {
  const ids = new Set(spans.map(idOf));
  return spans.every((span) => span.parentSpanContext === undefined || ids.has(parentOf(span) ?? ''));
}

function errorsIn(spans: readonly ReadableSpan[]): string[] {
  return spans.filter(({ status }) => status.code === SpanStatusCode.ERROR).map(({ name }) => name);
}

type Time = ReadableSpan['startTime'];

function isLater(a: Time = [0, 0], b: Time = [0, 0]): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}

/** Returns one line per span, indented under the parent span and sorted by start time. */
function treeOf(spans: readonly ReadableSpan[], span: ReadableSpan | undefined, depth = 0): string[] {
  if (!span) return [];
  const kind = span.kind === SpanKind.INTERNAL ? '' : `${SpanKind[span.kind]} `;
  const children = spans
    .filter((candidate) => parentOf(candidate) === idOf(span))
    // Start times have a resolution of one millisecond; spans with equal start times stay sorted by end time.
    .toSorted(
      (a, b) => Number(isLater(a.startTime, b.startTime)) - Number(isLater(b.startTime, a.startTime)),
    );
  return [
    `${'  '.repeat(depth)}${kind}${span.name}`,
    ...children.flatMap((child) => treeOf(spans, child, depth + 1)),
  ];
}
