import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { isAppError } from '../../../pkg/errors/index.js';
import { ReservationState, StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { GatewayTransactionKind, type GatewayTransaction } from '../../../pkg/pb/payment/v1/payment.js';
import { inParallel } from '../../test-client/context/parallel.js';
import { examine, judgeStock } from '../examine/examine.js';
import { movesMoney } from '../examine/examine-orphans.js';
import type { Subject } from '../examine/examination.js';
import type { Services } from '../services.js';
import type { Candidates } from './candidates.js';
import type { ExternalSort } from './external-sort.js';
import type { Figures } from './figures.js';
import { pagesOf } from './pages.js';
import { addCapture, addPayment, addReservation, compareReferences } from './references.js';
import { scanOrders } from './scan-orders.js';

export interface Scan {
  readonly services: Services;
  readonly sort: ExternalSort;
  readonly candidates: Candidates;
  readonly figures: Figures;
  /** Entities per page. */
  readonly pageSize: number;
  /** Calls in progress at the same time. */
  readonly parallel: number;
  /** Called with the name of the entities and the number of entities read so far. */
  readonly onProgress: (entities: string, count: number) => void;
  readonly signal: AbortSignal;
}

export interface ScanOptions {
  /** Only finds records without an order, orders without their records, and captures of released payments. */
  readonly reconcileOnly: boolean;
  /** File with the ids of acknowledged orders. */
  readonly acknowledged: string | undefined;
}

/**
 * Reads all entities. An effect is read before its cause: transactions before payments, payments and reservations
 * before orders. A cause is stored before its effect, so a cause that is missing when it is read has been lost.
 */
export async function scan(context: Scan, { reconcileOnly, acknowledged }: ScanOptions): Promise<void> {
  await scanTransactions(context, { reconcileOnly });
  await scanPayments(context);
  await scanReservations(context);
  await scanOrders(context, { reconcileOnly });
  await scanReferences(context, { reconcileOnly });
  if (reconcileOnly) return;
  await scanStock(context);
  await scanAcknowledged(context, acknowledged);
}

async function scanTransactions(
  { services, candidates, figures, ...context }: Scan,
  { reconcileOnly }: Pick<ScanOptions, 'reconcileOnly'>,
): Promise<void> {
  const pages = pagesOf(async (pageToken) => {
    const request = { pageSize: context.pageSize, pageToken, paymentId: '' };
    const { transactions, nextPageToken } = await services.payment.listGatewayTransactions(request);
    return { items: transactions, nextPageToken };
  });
  let count = 0;
  try {
    for await (const page of pages) {
      count += page.length;
      // Without --reconcile, every order has been examined with its records.
      if (reconcileOnly) await addCaptures(context, page);
      const unknown = page.filter((transaction) => !transaction.paymentKnown && movesMoney(transaction));
      const paymentIds = [...new Set(unknown.map(({ paymentId }) => paymentId))];
      const subjects = paymentIds.map((paymentId) => ({ kind: 'transactions', paymentId }) as const);
      await examineAll({ services, candidates, parallel: context.parallel }, subjects);
      context.onProgress('gateway transactions', count);
    }
  } catch (error) {
    if (!isAppError(error, 'METHOD_NOT_FOUND')) throw error;
    const note = 'NOT CHECKED: charges without a payment, because ListGatewayTransactions is not available';
    figures.note(8, note);
  }
  figures.add(8, { gateway_transactions: count });
}

async function addCaptures(
  { sort }: Pick<Scan, 'sort'>,
  transactions: readonly GatewayTransaction[],
): Promise<void> {
  for (const { kind, paymentId, paymentKnown } of transactions)
    if (paymentKnown && kind === GatewayTransactionKind.CAPTURE) await addCapture(sort, paymentId);
}

async function scanPayments({ services, sort, figures, pageSize, onProgress }: Scan): Promise<void> {
  const pages = pagesOf(async (pageToken) => {
    const { payments, nextPageToken } = await services.payment.listPayments({
      pageSize,
      pageToken,
      orderId: '',
    });
    return { items: payments, nextPageToken };
  });
  let count = 0;
  for await (const page of pages) {
    for (const payment of page) await addPayment(sort, payment);
    count += page.length;
    onProgress('payments', count);
  }
  figures.add(3, { listed_payments: count });
}

async function scanReservations({ services, sort, figures, pageSize, onProgress }: Scan): Promise<void> {
  const pages = pagesOf(async (pageToken) => {
    const state = ReservationState.UNSPECIFIED;
    const page = await services.inventory.listReservations({ pageSize, pageToken, state });
    return { items: page.reservations, nextPageToken: page.nextPageToken };
  });
  let count = 0;
  let committed = 0;
  for await (const page of pages) {
    for (const { reservationId, state } of page) {
      await addReservation(sort, reservationId, state);
      if (state === ReservationState.COMMITTED) committed += 1;
    }
    count += page.length;
    onProgress('reservations', count);
  }
  figures.add(2, { reservations: count, committed });
}

async function scanReferences(context: Scan, { reconcileOnly }: Pick<ScanOptions, 'reconcileOnly'>) {
  const { sort, figures, onProgress } = context;
  let count = 0;
  await compareReferences(sort, async ({ suspects, incomplete }) => {
    count += suspects.length;
    // Without --reconcile, every order has been examined with its records.
    await examineAll(context, reconcileOnly ? [...suspects, ...incomplete] : suspects);
    onProgress('suspect references', count);
  });
  figures.add(9, { suspect_references: count });
}

/** The view AUDIT reads all movements and reservations of the SKUs, so the pages are small. */
const stockPageSize = 50;

async function scanStock({ services, candidates, figures, onProgress, pageSize }: Scan): Promise<void> {
  const pages = pagesOf(async (pageToken) => {
    const request = { pageSize: Math.min(pageSize, stockPageSize), pageToken };
    const { stock, nextPageToken } = await services.inventory.listStock(request);
    return { items: stock.map(({ sku }) => sku), nextPageToken };
  });
  let count = 0;
  for await (const skus of pages) {
    if (skus.length === 0) continue;
    const { stock } = await services.inventory.batchGetStock({ skus: [...skus], view: StockView.AUDIT });
    for (const level of stock) {
      candidates.add(judgeStock(level));
      figures.add(1, { skus: 1, on_hand: level.onHand, reserved: level.reserved });
    }
    count += skus.length;
    onProgress('SKUs', count);
  }
  figures.add(1, { skus: 0 });
}

/** Reads a file with one order per line: its id and, optionally, a state in which a client has seen the order. */
async function scanAcknowledged(context: Scan, file: string | undefined): Promise<void> {
  const { figures, onProgress } = context;
  if (file === undefined) {
    figures.note(
      5,
      'not checked: lost orders, because no list of acknowledged orders was given (--acknowledged)',
    );
    return;
  }
  let count = 0;
  let batch: Subject[] = [];
  const flush = async (): Promise<void> => {
    await examineAll(context, batch);
    count += batch.length;
    batch = [];
    onProgress('acknowledged orders', count);
  };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [orderId = '', state = ''] = line.trim().split(/\s+/);
    if (orderId !== '') batch.push({ kind: 'acknowledged', orderId, state });
    if (batch.length >= context.pageSize) await flush();
  }
  await flush();
  figures.add(5, { acknowledged: count });
}

async function examineAll(
  { services, candidates, parallel }: Pick<Scan, 'services' | 'candidates' | 'parallel'>,
  subjects: readonly Subject[],
): Promise<void> {
  const examinations = await inParallel(subjects, parallel, (subject) => examine(services, subject));
  for (const examination of examinations) candidates.add(examination);
}
