import { sql, withCustomPlan, type BoundStatement, type Queryable } from '../postgres/index.js';
import { firstUuidAt } from '../runtime/index.js';
import type { OrderState, SagaOrder } from './domain.js';
import { orderColumns, toOrders, type OrderRow, type UnreadableOrder } from './store.js';

export interface OrderFilter {
  /** Empty for all customers. */
  readonly customerId: string;
  /** Undefined for all states. */
  readonly state: OrderState | undefined;
  readonly createdFrom: Date | undefined;
  readonly createdBefore: Date | undefined;
  readonly blockedOnly: boolean;
}

export interface PageRequest {
  /** Last order id of the previous page; undefined for the first page. */
  readonly after: string | undefined;
  readonly size: number;
}

export interface OrderPage {
  readonly orders: readonly SagaOrder[];
  /** Orders of the page with a value that this version cannot read. */
  readonly unreadable: readonly UnreadableOrder[];
  /** Last order id of the page; undefined for the last page. */
  readonly next: string | undefined;
}

/*
 * Each combination of filters has its own statement, and PostgreSQL plans each execution for its values: a plan made
 * for a customer with many orders would read the whole table for a customer with few orders. With `= any(array)` and a
 * sort by the first index column, only one index returns the rows in sequence. With `=`, the planner may instead scan
 * the primary key and filter millions of rows. An expression such as `state || ''` keeps the planner from using an
 * index for this filter.
 */

const listAll = sql(
  'order.list',
  `select ${orderColumns} from orders o where o.id >= $first and o.id < $end order by o.id desc limit $limit`,
);

const listByCustomer = sql(
  'order.list_by_customer',
  `select ${orderColumns} from orders o
   where o.customer_id = any($customerIds::text[]) and o.id >= $first and o.id < $end
   order by o.customer_id, o.id desc limit $limit`,
);

const listByState = sql(
  'order.list_by_state',
  `select ${orderColumns} from orders o
   where o.state = any($states::text[]) and o.id >= $first and o.id < $end
   order by o.state, o.id desc limit $limit`,
);

const listByCustomerAndState = sql(
  'order.list_by_customer_and_state',
  `select ${orderColumns} from orders o
   where o.customer_id = any($customerIds::text[]) and o.id >= $first and o.id < $end and o.state || '' = $state
   order by o.customer_id, o.id desc limit $limit`,
);

const listBlocked = sql(
  'order.list_blocked',
  `select ${orderColumns} from orders o
   where o.blocked_since is not null and o.state || '' = 'CANCELLING' and o.id >= $first and o.id < $end
     and o.customer_id || '' = coalesce($customerId, o.customer_id) and o.state || '' = coalesce($state, o.state)
   order by o.id desc limit $limit`,
);

const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Lists orders, newest first. A row that cannot be read does not affect the others. */
export async function listOrders(
  db: Queryable,
  filter: OrderFilter,
  { after, size }: PageRequest,
): Promise<OrderPage> {
  const { createdFrom, createdBefore } = filter;
  const ends = [after ?? lastUuid, createdBefore ? firstUuidAt(createdBefore) : lastUuid];
  // One more row than requested shows whether a next page exists.
  const range = {
    first: firstUuidAt(createdFrom ?? new Date(0)),
    end: ends.toSorted()[0],
    limit: size + 1,
  };
  const rows = await db.query<OrderRow>(withCustomPlan(statementOf(filter, range)));
  const page = rows.slice(0, size);
  return { ...toOrders(page), next: rows.length > size ? page.at(-1)?.id : undefined };
}

function statementOf(
  { customerId, state, blockedOnly }: OrderFilter,
  range: { readonly first: string; readonly end: string | undefined; readonly limit: number },
): BoundStatement {
  const customerIds = [customerId];
  if (blockedOnly) return listBlocked({ ...range, customerId: customerId || null, state: state ?? null });
  if (customerId === '') return state ? listByState({ ...range, states: [state] }) : listAll(range);
  if (state === undefined) return listByCustomer({ ...range, customerIds });
  return listByCustomerAndState({ ...range, customerIds, state });
}
