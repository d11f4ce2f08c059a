import { childrenOf, rootsOf, type Span, type Trace } from './jaeger.js';

/** The calls that every order makes, whatever statements its services run. */
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

/** The calls of a trace in the order of their start, each below its caller, and whether it used its database. */
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

/** The span of a call as its server saw it. */
export function serverSpan(trace: Trace, method: string): Span {
  const found = trace.spans.find(({ kind, name }) => kind === 'server' && name.endsWith(`/${method}`));
  if (!found) throw new Error(`trace ${trace.id} has no server span of ${method}`);
  return found;
}
