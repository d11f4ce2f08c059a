import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { OperatorNote, Product, ProductChange } from './domain.js';

const insert = sql(
  'catalog.insert_change',
  `insert into product_changes (sku, kind, revision, name, currency, price_minor, actor, reason)
   values ($sku, $kind, $revision, $name, $currency, $priceMinor, $actor, $reason)`,
);

/** Appends a change to the history, in the transaction of the change. */
export async function recordChange(
  tx: Transaction,
  kind: ProductChange['kind'],
  { sku, revision, name, price }: Product,
  note: OperatorNote,
): Promise<void> {
  const { currency, minor: priceMinor } = price;
  await tx.query(insert({ sku, kind, revision, name, currency, priceMinor, ...note }));
}

export interface ChangeQuery {
  /** Empty for all products. */
  readonly sku: string;
  /** Id of the last change of the previous page; 0 for the first page. */
  readonly after: bigint;
  readonly size: number;
}

interface ChangeRow {
  readonly id: bigint;
  readonly kind: ProductChange['kind'];
  readonly sku: string;
  readonly revision: bigint;
  readonly name: string;
  readonly currency: string;
  readonly price_minor: bigint;
  readonly actor: string;
  readonly reason: string;
  readonly changed_at: Date;
}

const columns = 'id, kind, sku, revision, name, currency, price_minor, actor, reason, changed_at';
const listAll = sql(
  'catalog.list_changes',
  `select ${columns} from product_changes where id > $after order by id limit $limit`,
);
const listOfSku = sql(
  'catalog.list_changes_of_sku',
  `select ${columns} from product_changes where sku = $sku and id > $after order by id limit $limit`,
);

/** Returns up to `limit` changes, oldest first. */
export async function listChanges(
  db: Queryable,
  { sku, after }: Pick<ChangeQuery, 'sku' | 'after'>,
  limit: number,
): Promise<ProductChange[]> {
  const statement = sku === '' ? listAll({ after, limit }) : listOfSku({ sku, after, limit });
  return (await db.query<ChangeRow>(statement)).map(toChange);
}

function toChange({ currency, price_minor, changed_at, ...row }: ChangeRow): ProductChange {
  return { ...row, price: { currency, minor: price_minor }, changedAt: changed_at };
}
