import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import type { Subject } from '../examine/examination.js';
import type { ExternalSort } from './external-sort.js';

/**
 * The references between orders, payments and reservations, sorted on disk. A group of equal keys shows orders that
 * share a key, records without an order, and orders without a record.
 */

type Name = 'payment_id' | 'reservation_id' | 'request_id';
/** `[name, id, customer, kind, order id or state]`, as JSON. */
type Reference = readonly [Name, string, string, 'order' | 'record' | 'capture', string];

const write = (sort: ExternalSort, reference: Reference): Promise<void> =>
  sort.add(JSON.stringify(reference));

export async function addOrder(sort: ExternalSort, order: Order): Promise<void> {
  const { orderId, customerId, requestId, paymentId, reservationId, state } = order;
  const owner = state === OrderState.CONFIRMED ? `${orderId} CONFIRMED` : orderId;
  await write(sort, ['request_id', requestId, customerId, 'order', owner]);
  if (paymentId !== '') await write(sort, ['payment_id', paymentId, '', 'order', owner]);
  if (reservationId !== '') await write(sort, ['reservation_id', reservationId, '', 'order', owner]);
}

export function addPayment(
  sort: ExternalSort,
  { paymentId, state }: Pick<Payment, 'paymentId' | 'state'>,
): Promise<void> {
  return write(sort, ['payment_id', paymentId, '', 'record', PaymentState[state]]);
}

/** Adds a capture in the ledger of the gateway. */
export function addCapture(sort: ExternalSort, paymentId: string): Promise<void> {
  return write(sort, ['payment_id', paymentId, '', 'capture', '']);
}

export function addReservation(sort: ExternalSort, id: string, state: ReservationState): Promise<void> {
  return write(sort, ['reservation_id', id, '', 'record', ReservationState[state]]);
}

interface Group {
  readonly name: Name;
  readonly id: string;
  readonly customerId: string;
  /** At most {@link maxOwners} orders. */
  readonly owners: string[];
  /** State of the reservation or payment; undefined without a record. */
  record: string | undefined;
  isCaptured: boolean;
}

const maxOwners = 100;

async function* groups(sort: ExternalSort): AsyncGenerator<Group> {
  let group: Group | undefined;
  for await (const line of sort.sorted()) {
    const [name, id, customerId, kind, value] = JSON.parse(line) as Reference;
    if (!group || group.name !== name || group.id !== id || group.customerId !== customerId) {
      if (group) yield group;
      group = { name, id, customerId, owners: [], record: undefined, isCaptured: false };
    }
    if (kind === 'record') group.record = value;
    else if (kind === 'capture') group.isCaptured = true;
    else if (group.owners.length < maxOwners) group.owners.push(value);
  }
  if (group) yield group;
}

export interface References {
  /** Records without an order, orders that share a key, and captures of payments that are released here. */
  readonly suspects: Subject[];
  /** CONFIRMED orders whose payment or reservation is missing. */
  readonly incomplete: Subject[];
}

const openStates: ReadonlySet<string> = new Set(['RESERVED', 'COMMITTED']);

/** Calls `onGroup` for each key, with the subjects to examine. */
export async function compareReferences(
  sort: ExternalSort,
  onGroup: (references: References) => Promise<void>,
): Promise<void> {
  for await (const group of groups(sort)) {
    const suspects = [...sharedKey(group), ...orphan(group), ...capturedRelease(group)];
    const incomplete = incompleteOrders(group);
    if (suspects.length + incomplete.length > 0) await onGroup({ suspects, incomplete });
  }
}

function sharedKey({ name, id, customerId, owners }: Group): Subject[] {
  if (owners.length < 2) return [];
  const key = name === 'request_id' ? { name, id, customerId } : { name, id };
  return [{ kind: 'shared', key, orderIds: owners.map(orderIdOf) }];
}

function orphan({ name, id, owners, record }: Group): Subject[] {
  if (owners.length > 0 || record === undefined) return [];
  if (name === 'payment_id') return [{ kind: 'payment', paymentId: id }];
  return openStates.has(record) ? [{ kind: 'reservation', reservationId: id }] : [];
}

const releasedStates: ReadonlySet<string> = new Set(['VOIDED', 'EXPIRED']);

function capturedRelease({ id, owners, record = '', isCaptured }: Group): Subject[] {
  const isReleased = owners.length > 0 && isCaptured && releasedStates.has(record);
  return isReleased ? [{ kind: 'payment', paymentId: id }] : [];
}

function incompleteOrders({ name, owners, record }: Group): Subject[] {
  if (name === 'request_id' || record !== undefined) return [];
  const isConfirmed = (owner: string): boolean => owner.endsWith(' CONFIRMED');
  return owners.filter(isConfirmed).map((owner) => ({ kind: 'order', orderId: orderIdOf(owner) }));
}

function orderIdOf(owner: string): string {
  return owner.split(' ', 1)[0] ?? owner;
}
