import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { inTrace, recentSpans } from '../../pkg/rpc/testing/span-recorder.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { startSystem, type System } from './system.js';

const call = {
  create: 'grpc.order.v1.OrderService/CreateOrder',
  price: 'grpc.catalog.v1.CatalogService/BatchGetProducts',
  reserve: 'grpc.inventory.v1.InventoryService/ReserveStock',
  authorize: 'grpc.payment.v1.PaymentService/AuthorizePayment',
  commit: 'grpc.inventory.v1.InventoryService/CommitReservation',
  capture: 'grpc.payment.v1.PaymentService/CapturePayment',
  release: 'grpc.inventory.v1.InventoryService/ReleaseReservation',
};

const recorded = '      CLIENT EXECUTE saga.record';

describe('the trace of an order', () => {
  let system: System;

  before(async () => {
    system = await startSystem({ env: { PAYMENT_SLOW_DELAY: '1500ms', SAGA_STEP_TIMEOUT: '30s' } });
    for (const sku of ['mug', 'rare']) await system.stock({ sku, quantity: sku === 'mug' ? 100n : 1n });
  });
  after(() => system.close());

  interface Purchase {
    readonly sku?: string;
    readonly quantity?: bigint;
    readonly paymentMethod?: string;
    readonly signal?: AbortSignal;
  }

  /** Places an order in a trace of its own; its spans, once the one named `last` has ended. */
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
    await waitFor(() => spans().some((span) => isServer(span) && span.name === last), `the span of ${last}`);
    await waitFor(() => isWhole(spans()), 'every parent of a span');
    return { order: result.order, spans: spans() };
  };

  it('is one tree through four services and their databases', async () => {
    const { order, spans } = await buy({}, call.create);

    expect(order?.state).to.equal(OrderState.CONFIRMED);
    const root = spans.find((span) => span.parentSpanContext === undefined);
    const tree = treeOf(spans, root);
    // A step that takes its time has what is known so far stored before it.
    expect(tree.filter((line) => line !== recorded)).to.deep.equal([
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
      '          CLIENT EXECUTE payment.find_with_rival',
      '          CLIENT EXECUTE gateway.decide',
      '          CLIENT EXECUTE payment.insert_answered',
      `      CLIENT ${call.commit}`,
      `        SERVER ${call.commit}`,
      '          CLIENT EXECUTE inventory.commit_reservation',
      `      CLIENT ${call.capture}`,
      `        SERVER ${call.capture}`,
      '          CLIENT EXECUTE payment.find',
      '          CLIENT EXECUTE gateway.capture',
      '          CLIENT EXECUTE payment.capture',
    ]);
    expect(tree.at(-1)).to.equal(recorded);
  });

  it('shows that each service keeps to its own database', async () => {
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

  it('names its statements, and shows neither their text nor their values', async () => {
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

  it('is no error when the card is declined', async () => {
    const { order, spans } = await buy({ paymentMethod: 'pm_decline_card_expired' }, call.create);

    expect(order?.state).to.equal(OrderState.REJECTED);
    expect(errorsIn(spans)).to.deep.equal([]);
    expect(spans.map(({ name }) => name)).to.include(call.release);
  });

  it('is no error when there is too little in stock', async () => {
    const { order, spans } = await buy({ sku: 'rare', quantity: 2n }, call.create);

    expect(order?.state).to.equal(OrderState.REJECTED);
    expect(errorsIn(spans)).to.deep.equal([]);
  });

  it('goes on after its caller has hung up', async () => {
    const hangUp = new AbortController();
    const accepted = (): number => recentSpans().filter(({ name }) => name === 'EXECUTE order.accept').length;
    const before = accepted();
    const buying = buy({ paymentMethod: 'pm_slow', signal: hangUp.signal }, call.capture);
    await waitFor(() => accepted() > before, 'the order to be accepted');
    hangUp.abort();
    const { spans } = await buying;

    const created = spans.find((span) => isServer(span) && span.name === call.create);
    const captures = spans.filter((span) => span.kind === SpanKind.CLIENT && span.name === call.capture);
    expect(captures.map(parentOf)).to.deep.equal([created?.spanContext().spanId]);
    expect(later(captures[0]?.startTime, created?.endTime)).to.equal(true);
  });

  it('holds no payment method and no password, in whatever part of a span', async () => {
    const paymentMethod = 'pm_decline_do_not_honor';
    await buy({ paymentMethod }, call.create);

    for (const span of recentSpans()) {
      const { name, attributes, events, links, status, resource, instrumentationScope } = span;
      const shown = JSON.stringify([
        name,
        attributes,
        events,
        links,
        status,
        resource.attributes,
        instrumentationScope,
      ]);
      expect(shown).not.to.match(/pm_(approve|decline|slow)/);
      expect(shown).not.to.match(/password|postgres:\/\//);
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

function isWhole(spans: readonly ReadableSpan[]): boolean {
  const ids = new Set(spans.map(idOf));
  return spans.every((span) => span.parentSpanContext === undefined || ids.has(parentOf(span) ?? ''));
}

function errorsIn(spans: readonly ReadableSpan[]): string[] {
  return spans.filter(({ status }) => status.code === SpanStatusCode.ERROR).map(({ name }) => name);
}

type Time = ReadableSpan['startTime'];

function later(a: Time = [0, 0], b: Time = [0, 0]): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}

/** One line a span, indented under its parent, in the order in which they began. */
function treeOf(spans: readonly ReadableSpan[], span: ReadableSpan | undefined, depth = 0): string[] {
  if (!span) return [];
  const kind = span.kind === SpanKind.INTERNAL ? '' : `${SpanKind[span.kind]} `;
  const children = spans
    .filter((candidate) => parentOf(candidate) === idOf(span))
    // Within a millisecond, which is as exact as starts are, as they ended.
    .toSorted((a, b) => Number(later(a.startTime, b.startTime)) - Number(later(b.startTime, a.startTime)));
  return [
    `${'  '.repeat(depth)}${kind}${span.name}`,
    ...children.flatMap((child) => treeOf(spans, child, depth + 1)),
  ];
}
