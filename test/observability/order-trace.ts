import { childrenOf, rootsOf, type Span, type Trace } from '../lab/stack/jaeger.js';

/** The calls of an order until the authorization of its payment. `SQL` stands for the statements of a service. */
const untilPayment = `
order-service server order.v1.OrderService/CreateOrder, SQL
  order-service client catalog.v1.CatalogService/BatchGetProducts
    catalog-service server catalog.v1.CatalogService/BatchGetProducts, SQL
  order-service client inventory.v1.InventoryService/ReserveStock
    inventory-service server inventory.v1.InventoryService/ReserveStock, SQL
  order-service client payment.v1.PaymentService/AuthorizePayment
    payment-service server payment.v1.PaymentService/AuthorizePayment, SQL
`.trim();

export const confirmedOrder = `${untilPayment}
  order-service client inventory.v1.InventoryService/CommitReservation
    inventory-service server inventory.v1.InventoryService/CommitReservation, SQL
  order-service client payment.v1.PaymentService/CapturePayment
    payment-service server payment.v1.PaymentService/CapturePayment, SQL`;

export const declinedOrder = `${untilPayment}
  order-service client inventory.v1.InventoryService/ReleaseReservation
    inventory-service server inventory.v1.InventoryService/ReleaseReservation, SQL`;

/** Draws the calls of a trace, sorted by start time, each call below its caller. */
export function callTree(trace: Trace): string {
  return rootsOf(trace)
    .flatMap((root) => draw(trace, root, 0))
    .join('\n');
}

function draw(trace: Trace, span: Span, depth: number): string[] {
  const children = childrenOf(trace, span);
  const calls = children.filter((child) => !isStatement(child));
  const sql = calls.length < children.length ? ', SQL' : '';
  const line = `${'  '.repeat(depth)}${span.service} ${span.kind} ${span.name.replace(/^grpc\./, '')}${sql}`;
  return [line, ...calls.flatMap((child) => draw(trace, child, depth + 1))];
}

export function isStatement({ attributes }: Span): boolean {
  return (attributes['db.system.name'] ?? attributes['db.system']) !== undefined;
}

/** The server span of a call. */
export function serverSpan(trace: Trace, method: string): Span {
  const found = trace.spans.find(({ kind, name }) => kind === 'server' && name.endsWith(`/${method}`));
  if (!found) throw new Error(`trace ${trace.id} has no server span of ${method}`);
  return found;
}
